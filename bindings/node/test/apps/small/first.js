const shared = 'from the first script';
