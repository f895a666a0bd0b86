/* pycompilectl python add | remove | list: the user's list of interpreters (base/python_search.h), which is looked at
 * first where a version is wanted that no host was built for. */
#pragma once

/* argv[0] is the word. Returns the exit status. */
int python_list_run(int argc, char **argv);
