/* The OpenRPC document (proto/openrpc.json, compacted), which the build puts into the server. */
#pragma once

#include <stddef.h>

extern const char openrpc_document[];
extern const size_t openrpc_document_len;
