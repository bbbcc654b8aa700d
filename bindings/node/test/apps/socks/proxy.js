// A SOCKS5 proxy. What one side sends is taken only as fast as the other side takes it: a connection is paused
// while more than HIGH bytes of it wait to be sent.
'use strict';

var HIGH = 64 * 1024;
var tcp = chrome.sockets.tcp;
var tcpServer = chrome.sockets.tcpServer;
var connections = {};

function bytes() {
  return new Uint8Array([].slice.call(arguments)).buffer;
}

function joined(first, second) {
  var both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(new Uint8Array(first));
  both.set(new Uint8Array(second), first.byteLength);
  return both.buffer;
}

function ignore() {
  void chrome.runtime.lastError;
}

/** A connection is over; its peer gets what is on its way, then ends, too. */
function end(id) {
  var connection = connections[id];
  if (!connection) return;
  delete connections[id];
  tcp.close(id, ignore);
  var peer = connections[connection.peer];
  if (!peer) return;
  peer.isEnding = true;
  if (connection.waiting === 0) end(connection.peer);
}

function forward(id, data) {
  var connection = connections[id];
  var peerId = connection.peer;
  connection.waiting += data.byteLength;
  if (connection.waiting > HIGH && !connection.isPaused) {
    connection.isPaused = true;
    tcp.setPaused(id, true, ignore);
  }
  tcp.send(peerId, data, function () {
    connection.waiting -= data.byteLength;
    if (chrome.runtime.lastError) {
      end(peerId);
    } else if (connection.waiting === 0 && connections[peerId] && connections[peerId].isEnding) {
      end(peerId);
    } else if (connection.waiting < HIGH / 2 && connection.isPaused) {
      connection.isPaused = false;
      tcp.setPaused(id, false, ignore);
    }
  });
}

/** What a client says first: its methods, then where it wants to go. */
function negotiate(id, data) {
  var client = connections[id];
  client.text = joined(client.text, data);
  var view = new DataView(client.text);
  if (!client.isGreeted) {
    if (view.byteLength < 2 || view.byteLength < 2 + view.getUint8(1)) return;
    client.isGreeted = true;
    tcp.send(id, bytes(5, 0), ignore);
    client.text = client.text.slice(2 + view.getUint8(1));
    negotiate(id, new ArrayBuffer(0));
    return;
  }
  if (view.byteLength < 5) return;
  var isName = view.getUint8(3) === 3;
  var start = isName ? 5 : 4;
  var length = isName ? view.getUint8(4) : 4;
  if (view.byteLength < start + length + 2) return;
  var host = new Uint8Array(client.text, start, length);
  host = isName ? String.fromCharCode.apply(null, host) : [].join.call(host, '.');
  tcp.setPaused(id, true, function () {
    reach(id, host, view.getUint16(start + length));
  });
}

function reach(id, host, port) {
  tcp.create({ bufferSize: 65536 }, function (created) {
    tcp.connect(created.socketId, host, port, function (result) {
      if (chrome.runtime.lastError) {
        console.log('cannot reach', host, chrome.runtime.lastError.message);
        tcp.close(created.socketId);
        tcp.send(id, bytes(5, result === -102 ? 5 : 4, 0, 1, 0, 0, 0, 0, 0, 0), function () {
          ignore();
          end(id);
        });
        return;
      }
      connections[created.socketId] = { peer: id, waiting: 0 };
      connections[id].peer = created.socketId;
      tcp.send(id, bytes(5, 0, 0, 1, 0, 0, 0, 0, 0, 0), ignore);
      tcp.setPaused(id, false, ignore);
    });
  });
}

tcpServer.onAccept.addListener(function (info) {
  connections[info.clientSocketId] = { text: new ArrayBuffer(0), waiting: 0 };
  tcp.update(info.clientSocketId, { bufferSize: 65536 }, function () {
    tcp.setPaused(info.clientSocketId, false);
  });
});

tcp.onReceive.addListener(function (info) {
  var connection = connections[info.socketId];
  if (!connection) return;
  if (connection.peer) forward(info.socketId, info.data);
  else negotiate(info.socketId, info.data);
});

tcp.onReceiveError.addListener(function (info) {
  end(info.socketId);
});

chrome.app.runtime.onLaunched.addListener(function () {
  tcpServer.create({ persistent: true }, function (created) {
    tcpServer.listen(created.socketId, '127.0.0.1', 0, function () {
      tcpServer.getInfo(created.socketId, function (info) {
        console.log('port', info.localPort);
      });
    });
  });
});
