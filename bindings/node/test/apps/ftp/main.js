// Fetches a file and puts it back under another name, over TLS; then fetches that in active mode.
function digest(data, callback) {
  crypto.subtle.digest({ name: 'SHA-256' }, data).then(function (hash) {
    callback([].map.call(new Uint8Array(hash), function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join(''));
  });
}

chrome.app.runtime.onLaunched.addListener(function () {
  var session = new Session();
  session.open('localhost', PORT, function () {
    session.secure(function () {
      session.commands(['USER anonymous', 'TYPE I', 'PBSZ 0', 'PROT P'], function (replies) {
        console.log(replies.map(function (reply) { return reply.slice(0, 3); }).join());
        session.passive('RETR file', function (id) {
          session.download(id, function (data, code, reply) {
            console.log('down', code, reply.slice(0, 3));
            session.passive('STOR copy', function (id) {
              session.upload(id, data, function (reply) {
                console.log('up', reply.slice(0, 3));
                session.command('PROT C', function () {
                  session.active('RETR copy', function (id) {
                    session.download(id, function (data, code, reply) {
                      console.log('active', code, reply.slice(0, 3));
                      digest(data, function (hash) {
                        console.log(hash);
                        session.command('QUIT', function () {});
                      });
                    });
                  });
                });
              });
            });
          });
        });
      });
    });
  });
});
