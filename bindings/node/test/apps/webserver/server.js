// A web server as Chrome Apps wrote it: callbacks all the way.
var serverId = null;
var requests = {};

function bytesOf(text) {
  return new TextEncoder().encode(text).buffer;
}

function answer(socketId, request) {
  var path = request.split(' ')[1];
  var file = FILES[path];
  var status = file ? '200 OK' : '404 Not Found';
  var body = bytesOf(file ? file.body : 'not found');
  var head = 'HTTP/1.1 ' + status + '\r\nContent-Type: ' + (file ? file.type : 'text/plain') +
    '\r\nContent-Length: ' + body.byteLength + '\r\nConnection: keep-alive\r\n\r\n';
  console.log('request', path);
  chrome.sockets.tcp.send(socketId, bytesOf(head), function (info) {
    if (chrome.runtime.lastError || info.resultCode < 0) return;
    chrome.sockets.tcp.send(socketId, body, function () {
      void chrome.runtime.lastError;
    });
  });
}

chrome.sockets.tcpServer.onAccept.addListener(function (info) {
  if (info.socketId !== serverId) return;
  requests[info.clientSocketId] = '';
  chrome.sockets.tcp.setPaused(info.clientSocketId, false);
});

chrome.sockets.tcp.onReceive.addListener(function (info) {
  requests[info.socketId] += new TextDecoder().decode(info.data);
  var end;
  while ((end = requests[info.socketId].indexOf('\r\n\r\n')) >= 0) {
    var request = requests[info.socketId].slice(0, end);
    requests[info.socketId] = requests[info.socketId].slice(end + 4);
    answer(info.socketId, request);
  }
});

chrome.sockets.tcp.onReceiveError.addListener(function (info) {
  delete requests[info.socketId];
  chrome.sockets.tcp.close(info.socketId);
});

chrome.app.runtime.onLaunched.addListener(function () {
  chrome.sockets.tcpServer.create({ name: 'web server' }, function (created) {
    serverId = created.socketId;
    chrome.sockets.tcpServer.listen(serverId, '127.0.0.1', 0, function (result) {
      if (result < 0) return console.error('listen', result, chrome.runtime.lastError.message);
      chrome.sockets.tcpServer.getInfo(serverId, function (info) {
        console.log('port', info.localPort);
      });
    });
  });
});
