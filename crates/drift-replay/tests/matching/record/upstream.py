"""Answers HTTP on 18777, TLS on 18779 and gRPC on 18778; each HTTP answer has a number of its own."""

import itertools
import json
import ssl
import sys
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf import wrappers_pb2

numbers = itertools.count(1)


class Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps({"path": self.path, "answer": next(numbers)}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        pass


class Grpc(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: wrappers_pb2.StringValue(value=f"{details.method} {request.value}"),
            request_deserializer=wrappers_pb2.StringValue.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


certificate, key = sys.argv[1:3]
rpc = grpc.server(futures.ThreadPoolExecutor(4))
rpc.add_generic_rpc_handlers((Grpc(),))
rpc.add_insecure_port("127.0.0.1:18778")
rpc.start()
tls = ThreadingHTTPServer(("127.0.0.1", 18779), Http)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
tls.socket = context.wrap_socket(tls.socket, server_side=True)
threading.Thread(target=tls.serve_forever, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", 18777), Http).serve_forever()
