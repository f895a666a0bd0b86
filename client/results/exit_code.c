/* One table of error codes. */
#include "client/results/exit_code.h"

#include <stdlib.h>

#include "proto/rpc.h"

enum exit_code exit_code_of(struct json_span error) {
    struct json_span code = json_member(error.text, error.len, "code");
    switch (code.text != NULL ? atoi(code.text) : 0) {
    case RPC_PY_COMPILE_ERROR:
        return EXIT_CODE_SOURCE;
    case RPC_OS_ERROR:
        return EXIT_CODE_FILES;
    case RPC_INVALID_PARAMS:
        return EXIT_CODE_USAGE;
    case RPC_INTERNAL_ERROR: {
        /* With data: an exception of the compiler's that py_compile does not catch. */
        struct json_span data = json_member(error.text, error.len, "data");
        return data.text != NULL && *data.text == '{' ? EXIT_CODE_SOURCE : EXIT_CODE_SERVICE;
    }
    default:
        return EXIT_CODE_SERVICE;
    }
}

enum exit_code exit_code_join(enum exit_code one, enum exit_code other) {
    return one > other ? one : other;
}
