/* The OpenRPC document (made from proto/openrpc.json.in, compacted), which the build puts into the server. */
#pragma once

#include <stddef.h>

extern const char openrpc_document[];
extern const size_t openrpc_document_len;
