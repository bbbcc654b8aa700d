throw new Error('the other script still runs');
