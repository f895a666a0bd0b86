/* The defaults are the environment's. */
#include "client/request_options.h"

#include <stdlib.h>
#include <string.h>

void request_options_init(struct request_options *options) {
    *options = (struct request_options){0};
    environment_init(&options->environment);
    environment_request(&options->environment, &options->request);
    options->request.optimize = -1;
    const char *fallback = getenv("PYCOMPILE_FALLBACK");
    options->fallback = fallback != NULL && strcmp(fallback, "1") == 0;
    options->environment_warnings = cJSON_GetArraySize(options->environment.warnings);
}

void request_options_deinit(struct request_options *options) {
    environment_deinit(&options->environment);
}

void request_options_finish(struct request_options *options) {
    if (options->request.optimize < 0)
        options->request.optimize = environment_optimize(&options->environment);
    options->request.warnings = options->environment.warnings->child ? options->environment.warnings : NULL;
}

const char *request_options_python_source(const struct request_options *options) {
    return options->request.python == options->environment.python ? "$PYCOMPILE_PYTHON" : "--python";
}
