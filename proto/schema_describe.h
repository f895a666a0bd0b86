/* Rows of a table as OpenRPC describes parameters. The build alone needs that. */
#pragma once

#include "proto/schema.h"

/* The member as OpenRPC describes a parameter (name, required, description, schema); its default is the value in
 * *presets, a structure that was set to the defaults. The caller deletes the object. */
cJSON *schema_describe(const struct schema_field *field, const void *presets);
