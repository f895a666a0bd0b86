/* The classes of Python's OSError. */
#pragma once

/* The name of the class of which Python makes an OSError with that (positive) errno value: FileNotFoundError for
 * ENOENT, "OSError" where there is no class of its own. */
const char *os_error_class(int error);
