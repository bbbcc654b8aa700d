// An FTP client: the control connection, secured by AUTH TLS, and data connections in passive and active mode.
var tcp = chrome.sockets.tcp;
var tcpServer = chrome.sockets.tcpServer;
var connections = {};
var servers = {};

function failed(what) {
  if (chrome.runtime.lastError) console.error(what, chrome.runtime.lastError.message);
  return Boolean(chrome.runtime.lastError);
}

tcp.onReceive.addListener(function (info) {
  connections[info.socketId].onData(info.data);
});
tcp.onReceiveError.addListener(function (info) {
  var connection = connections[info.socketId];
  delete connections[info.socketId];
  tcp.close(info.socketId);
  if (connection) connection.onEnd(info.resultCode);
});
tcpServer.onAccept.addListener(function (info) {
  servers[info.socketId](info.clientSocketId);
  delete servers[info.socketId];
  tcpServer.close(info.socketId);
});

function Session() {
  this.text = '';
  this.replies = [];
  this.waiting = [];
}

Session.prototype = {
  open: function (host, port, callback) {
    var self = this;
    this.host = host;
    tcp.create({ name: 'control' }, function (created) {
      self.id = created.socketId;
      connections[self.id] = self;
      tcp.connect(self.id, host, port, function () {
        if (!failed('connect')) self.reply(callback);
      });
    });
  },

  onData: function (data) {
    this.text += new TextDecoder().decode(data);
    var lines = this.text.split('\r\n');
    this.text = lines.pop();
    this.replies = this.replies.concat(lines.filter(function (line) { return /^\d{3} /.test(line); }));
    while (this.replies.length && this.waiting.length) this.waiting.shift()(this.replies.shift());
  },

  onEnd: function (code) {
    console.log('control', code);
  },

  reply: function (callback) {
    if (this.replies.length) callback(this.replies.shift());
    else this.waiting.push(callback);
  },

  command: function (line, callback) {
    tcp.send(this.id, new TextEncoder().encode(line + '\r\n').buffer, function () { failed(line); });
    this.reply(callback);
  },

  /** Commands one after the other; the callback gets the replies. */
  commands: function (lines, callback) {
    var self = this;
    var replies = [];
    (function next(reply) {
      if (reply) replies.push(reply);
      if (replies.length === lines.length) callback(replies);
      else self.command(lines[replies.length], next);
    })();
  },

  /** The read that is in flight when it is paused brings the reply; then none is, as `secure` needs it. */
  secure: function (callback) {
    var self = this;
    tcp.setPaused(this.id, true, function () {
      self.command('AUTH TLS', function () {
        tcp.secure(self.id, { tlsVersion: { min: 'tls1.2' } }, function () {
          if (failed('secure')) return;
          self.isSecured = true;
          tcp.setPaused(self.id, false, callback);
        });
      });
    });
  },

  passive: function (command, callback) {
    var self = this;
    this.command('EPSV', function (reply) {
      tcp.create({ bufferSize: 65536 }, function (created) {
        var id = created.socketId;
        tcp.setPaused(id, true);
        tcp.connect(id, self.host, Number(/\|(\d+)\|/.exec(reply)[1]), function () {
          if (failed('data')) return;
          self.command(command, function () {
            tcp.secure(id, function () {
              if (!failed('secure data')) callback(id);
            });
          });
        });
      });
    });
  },

  active: function (command, callback) {
    var self = this;
    tcpServer.create({}, function (created) {
      tcpServer.listen(created.socketId, '127.0.0.1', 0, function () {
        if (failed('listen')) return;
        servers[created.socketId] = callback;
        tcpServer.getInfo(created.socketId, function (info) {
          self.command('EPRT |1|127.0.0.1|' + info.localPort + '|', function () {
            self.command(command, function () {});
          });
        });
      });
    });
  },

  /** Reads a data connection to its end. */
  download: function (id, callback) {
    var self = this;
    var parts = [];
    connections[id] = {
      onData: function (data) { parts.push(data); },
      onEnd: function (code) {
        self.reply(function (reply) {
          new Blob(parts).arrayBuffer().then(function (data) { callback(data, code, reply); });
        });
      },
    };
    tcp.setPaused(id, false);
  },

  /** Sends in pieces, each when the one before is gone. */
  upload: function (id, data, callback) {
    var self = this;
    var sent = 0;
    (function more() {
      if (sent === data.byteLength) {
        tcp.close(id);
        self.reply(callback);
        return;
      }
      tcp.send(id, data.slice(sent, sent + 100000), function (info) {
        if (failed('upload')) return;
        sent += info.bytesSent;
        more();
      });
    })();
  },
};
