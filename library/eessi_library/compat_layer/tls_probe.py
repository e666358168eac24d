"""Serves and asks for one file over TLS on the loopback interface; standard library only.

It is run by the compat layer's own Python: ``tls_probe.py CHAIN KEY STORE_WITH_CA HOST TEXT`` in a
directory of its own. Prints one line per attempt: who asked, which store, what came of it.
"""

import http.server
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request

CHAIN, KEY, EXTENDED_STORE, HOST, TEXT = sys.argv[1:]


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT.encode())

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Refused handshakes are what half of the attempts must end in."""


def serve():
    server = Server(('127.0.0.1', 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CHAIN, KEY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def ask_curl(port, store):
    command = ['curl', '-q', '-sS', '--noproxy', '*', '--max-time', '20']
    command += ['--resolve', f'{HOST}:{port}:127.0.0.1', f'https://{HOST}:{port}/']
    command += ['--cacert', store] if store else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 60:
        return 'refused'
    return done.stdout if done.returncode == 0 else f'status {done.returncode} {done.stderr!r}'


def ask_python(port, store):
    context = ssl.create_default_context(cafile=store or None)
    context.check_hostname = False  # the name is for curl; the chain is what is asked here
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        return opener.open(f'https://127.0.0.1:{port}/', timeout=20).read().decode()
    except urllib.error.URLError as error:
        is_refused = isinstance(error.reason, ssl.SSLCertVerificationError)
        return 'refused' if is_refused else f'error {error.reason!r}'


PORT = serve()
for name, ask in (('curl', ask_curl), ('python', ask_python)):
    print(name, 'default', ask(PORT, ''))
    print(name, 'extended', ask(PORT, EXTENDED_STORE))
