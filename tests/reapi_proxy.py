"""Passes gRPC calls on, and lowers the oldest version of the Remote Execution API that the server says it speaks: Debian's Bazel
speaks 2.0 alone, and newer servers speak that too, although they do not say so."""
import concurrent.futures

import grpc

CAPABILITIES = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities"
# The member low_api_version of ServerCapabilities, {major: 2, minor: 0}. Behind a message, it takes the place of its own.
LOW_2_0 = b"\x22\x04\x08\x02\x10\x00"
THREADS = 64  # each call that is open has one
HOP_BY_HOP = ("user-agent", "te", "content-type")


class Handler(grpc.GenericRpcHandler):
    """Takes every method. On the wire a single message is a stream of one."""

    def __init__(self, target):
        self.channel = grpc.insecure_channel(target)

    def service(self, details):
        def pass_on(requests, context):
            metadata = [(name, value) for name, value in context.invocation_metadata() if name not in HOP_BY_HOP]
            call = self.channel.stream_stream(details.method)(requests, metadata=metadata)
            context.add_callback(call.cancel)
            try:
                for answer in call:
                    yield answer + LOW_2_0 if details.method == CAPABILITIES else answer
            except grpc.RpcError as error:
                context.set_trailing_metadata(call.trailing_metadata() or ())
                context.abort(error.code(), error.details())
        return grpc.stream_stream_rpc_method_handler(pass_on)


class Proxy:
    """Listens on a port of its own."""

    def __init__(self, target):
        self.threads = concurrent.futures.ThreadPoolExecutor(THREADS)
        self.server = grpc.server(self.threads, handlers=[Handler(target)],
                                  options=[("grpc.max_receive_message_length", -1)])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def close(self):
        self.server.stop(None).wait()
        self.threads.shutdown()
