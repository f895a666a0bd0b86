/* What every unit test includes: cmocka with the headers that it needs before itself. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* cmocka 2 deprecates assertions whose new names cmocka 1 does not have. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
