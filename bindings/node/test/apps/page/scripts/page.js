// What bundles for browsers bring along.
var process = { env: {} };
window.Buffer = window.setImmediate = undefined;

const order = [];
window.addEventListener('load', () => order.push('load'));
window.onload = ({ type }) => order.push(`on${type}`);
chrome.app.runtime.onLaunched.addListener(() => {
  order.push('launched');
  console.log(order.join());
});
for (const name of ['onMessage', 'onMessageExternal', 'onConnect', 'onConnectExternal']) {
  chrome.runtime[name].addListener(() => {});
}
const socket = (chrome.experimental && chrome.experimental.socket) || chrome.socket;
socket.create('udp', {}, ({ socketId }) => console.log('socket', socketId));
console.log(typeof navigator.userAgent, typeof navigator.onLine, typeof navigator.language, typeof navigator.platform);
console.log(location.href === chrome.runtime.getURL('/_generated_background_page.html'), location.host === chrome.runtime.id);

const blob = new Blob(['h\u00e9'], { type: 'text/plain' });
const read = (how) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = ({ target }) => {
    if (target.readyState === FileReader.DONE) reader.addEventListener('loadend', () => resolve(target.result));
  };
  reader[how](blob);
});
(async () => {
  const [text, url, buffer] = await Promise.all(['readAsText', 'readAsDataURL', 'readAsArrayBuffer'].map(read));
  console.log(text, url, buffer instanceof ArrayBuffer, buffer.byteLength);
  console.log((await read('readAsBinaryString')) === String.fromCharCode(...new Uint8Array(buffer)));
})();
