chrome.runtime.onSuspend.addListener(() => console.log('suspended'));
chrome.storage.onChanged.addListener((changes, area) => console.log('changed', area, JSON.stringify(changes)));
chrome.app.runtime.onLaunched.addListener((data) => {
  console.log('launched', data.source, shared, window === self);
  chrome.storage.local.get({ count: 0 }, (items) => {
    console.log('count', items.count);
    chrome.storage.local.set({ count: items.count + 1 });
  });
  chrome.sockets.tcp.create({}, ({ socketId }) => {
    chrome.sockets.tcp.connect(socketId, '127.0.0.1', 1, () => console.log(chrome.runtime.lastError.message));
  });
  setTimeout(() => {
    throw new Error('a page survives this');
  }, 1);
  setTimeout(() => chrome.app.window.create('window.html'), 20);
});
