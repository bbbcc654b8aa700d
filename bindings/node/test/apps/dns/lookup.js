// Asks a name server for a text, with chrome.socket: by UDP, then by TCP if the answer does not fit.
var socket = chrome.socket;
var TXT = 16;

function question(name) {
  var labels = name.split('.').map(function (label) { return String.fromCharCode(label.length) + label; });
  var text = '\x12\x34\x01\0\0\x01\0\0\0\0\0\0' + labels.join('') + '\0\0' + String.fromCharCode(TXT) + '\0\x01';
  return new Uint8Array(text.split('').map(function (c) { return c.charCodeAt(0); }));
}

function byUdp(name, callback) {
  socket.create('udp', {}, function (created) {
    socket.connect(created.socketId, '127.0.0.1', PORT, function (result) {
      if (result < 0) return console.error('udp', result);
      socket.write(created.socketId, question(name).buffer, function () {
        socket.read(created.socketId, 512, function (read) {
          socket.destroy(created.socketId);
          var isTruncated = new DataView(read.data).getUint8(2) & 2;
          console.log('udp', isTruncated ? 'truncated' : 'whole');
          if (isTruncated) byTcp(name, callback);
          else callback(read.data);
        });
      });
    });
  });
}

function byTcp(name, callback) {
  socket.create('tcp', {}, function (created) {
    var id = created.socketId;
    socket.connect(id, '127.0.0.1', PORT, function (result) {
      if (result < 0) return console.error('tcp', result);
      var asked = question(name);
      var message = new Uint8Array(2 + asked.length);
      message[1] = asked.length;
      message.set(asked, 2);
      socket.write(id, message.buffer, function () {
        var answer = [];
        socket.read(id, 100, function more(read) {
          if (read.resultCode <= 0) return console.error('read', read.resultCode);
          answer = answer.concat([].slice.call(new Uint8Array(read.data)));
          if (answer.length < 2 || answer.length < 2 + answer[0] * 256 + answer[1]) return socket.read(id, 100, more);
          socket.destroy(id);
          callback(new Uint8Array(answer.slice(2)).buffer);
        });
      });
    });
  });
}

chrome.app.runtime.onLaunched.addListener(function () {
  byUdp('small.example', function (data) {
    console.log(data.byteLength);
    byUdp('large.example', function (data) {
      console.log(data.byteLength);
    });
  });
});
