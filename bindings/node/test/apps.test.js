// Chrome Apps of several kinds, by chrome-app-run, with real servers and clients.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { promisify } = require('node:util');
const { test } = require('node:test');
const { RUN, certificate, folder, freePort, line, node, soon, web } = require('./support');

const run = promisify(execFile);
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

/** The words that run a copy of one of the apps, with `port` in its settings. */
function app(t, name, port) {
  const work = folder(t);
  const copy = path.join(work, name);
  fs.cpSync(path.join(__dirname, 'apps', name), copy, { recursive: true });
  fs.writeFileSync(path.join(copy, 'settings.js'), `var PORT = ${port};\n`);
  return [RUN, '--storage', path.join(work, 'storage.json'), copy];
}

/** Starts a server that is ended after the test. */
function start(t, program, ...words) {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Waits for a server that does not say when it is ready, unless it ends. */
async function listens(server, port) {
  server.stderr.pipe(process.stderr);
  for (;;) {
    assert.deepStrictEqual([server.exitCode, server.signalCode], [null, null], 'the server has ended');
    const socket = net.connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      assert.strictEqual(error.code, 'ECONNREFUSED');
    } finally {
      socket.destroy();
    }
  }
}

test('an FTP client secures its connections, those for data among them, with vsftpd', async (t) => {
  const work = folder(t);
  const [root, empty] = ['root', 'empty'].map((name) => path.join(work, name));
  [root, empty].forEach((name) => fs.mkdirSync(name));
  const { keyFile, certFile } = certificate(work);
  const data = crypto.randomBytes(3_000_000);
  fs.writeFileSync(path.join(root, 'file'), data);
  const port = await freePort();
  const config = path.join(work, 'vsftpd.conf');
  // The last two: an end without TLS's own word for it counts as an error.
  fs.writeFileSync(config, `
listen=YES
background=NO
run_as_launching_user=YES
listen_address=127.0.0.1
listen_port=${port}
anonymous_enable=YES
no_anon_password=YES
anon_root=${root}
secure_chroot_dir=${empty}
allow_writeable_chroot=YES
seccomp_sandbox=NO
write_enable=YES
anon_upload_enable=YES
anon_world_readable_only=NO
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file=${certFile}
rsa_private_key_file=${keyFile}
require_ssl_reuse=NO
strict_ssl_read_eof=YES
strict_ssl_write_shutdown=YES
`.trimStart());
  await soon(listens(start(t, 'vsftpd', config), port), 'vsftpd');
  const [runner, ...words] = app(t, 'ftp', port);
  const { code, stdout, stderr } = await node(runner, '--cacert', certFile, ...words);
  const lines = ['230,200,200,200', 'down -100 226', 'up 226', 'active -100 226', sha256(data), 'control -100'];
  assert.deepStrictEqual({ code, lines: stdout.trim().split('\n'), stderr }, { code: 0, lines, stderr: '' });
  assert.strictEqual(sha256(fs.readFileSync(path.join(root, 'copy'))), sha256(data));
});

test('a SOCKS proxy that pauses each side for the other, used by curl: both directions byte for byte', async (t) => {
  const data = crypto.randomBytes(8_000_000);
  const byAddress = await web(t, async (request, response) => {
    if (request.method === 'GET') return response.end(data);
    const hash = crypto.createHash('sha256');
    for await (const part of request) hash.update(part);
    return response.end(hash.digest('hex'));
  });
  const byName = byAddress.replace('127.0.0.1', 'localhost');
  const file = path.join(folder(t), 'data');
  fs.writeFileSync(file, data);

  const proxy = start(t, process.execPath, ...app(t, 'socks', 0));
  proxy.stderr.pipe(process.stderr);
  const [, port] = await line(proxy.stdout, /^port (\d+)$/m);
  const curl = (...words) => {
    const options = { encoding: 'buffer', maxBuffer: data.length * 2 };
    return run('curl', ['-sS', '--max-time', '60', '--socks5-hostname', `127.0.0.1:${port}`, ...words], options);
  };
  const [down, named, up] = await Promise.all([
    curl(byAddress), curl(byName), curl('--header', 'Expect:', '--data-binary', `@${file}`, byName),
  ]);
  assert.deepStrictEqual([down, named].map(({ stdout }) => sha256(stdout)), [sha256(data), sha256(data)]);
  assert.strictEqual(up.stdout.toString(), sha256(data));
  const refused = line(proxy.stdout, /^cannot reach .*$/m);
  await assert.rejects(curl(`http://127.0.0.1:${await freePort()}/`), { code: 97 });
  assert.strictEqual((await refused)[0], 'cannot reach 127.0.0.1 net::ERR_CONNECTION_REFUSED');
});

test('a look-up with chrome.socket goes on by TCP when dnsmasq says by UDP that the answer is too long', async (t) => {
  const port = await freePort();
  const texts = (count) => Array.from({ length: count }, (_, n) => String.fromCharCode(97 + n).repeat(200)).join();
  const server = start(
    t, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--log-facility=-',
    `--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', `--pid-file=${path.join(folder(t), 'pid')}`,
    `--txt-record=small.example,${texts(1)}`, `--txt-record=large.example,${texts(10)}`,
  );
  await line(server.stderr, /started, version/);
  const { code, stdout, stderr } = await node(...app(t, 'dns', port));
  // The header, the question, and an answer that refers to its name: 12, 19 and 12 bytes, and one more for each text.
  const lines = ['udp whole', String(12 + 19 + 12 + 201), 'udp truncated', String(12 + 19 + 12 + 10 * 201)];
  assert.deepStrictEqual({ code, lines: stdout.trim().split('\n'), stderr }, { code: 0, lines, stderr: '' });
});
