// What is served: a page that paints itself with what its own script fetches.
var FILES = {
  '/': {
    type: 'text/html; charset=utf-8',
    body: '<!doctype html><title>Served</title><link rel="stylesheet" href="/style.css">' +
      '<body><p id="text">waiting</p><script src="/script.js"></script>'
  },
  '/style.css': { type: 'text/css', body: 'body { margin: 0; height: 100vh; background: rgb(200, 0, 0) }' },
  '/script.js': {
    type: 'text/javascript',
    body: 'fetch("/color.json").then(r => r.json()).then(c => {' +
      ' document.body.style.background = c.color; document.getElementById("text").textContent = c.text; })'
  },
  '/color.json': { type: 'application/json', body: '{"color": "rgb(0, 120, 60)", "text": "painted"}' }
};
