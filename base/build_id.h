/* The build that a program is of: programs of one build have the same id. tools/build-id generates the definition. */
#pragma once

/* The version, a plus sign, and 16 hexadecimal digits of a hash of the sources. */
extern const char build_id[];
