/* The magic numbers of the .pyc files that this installation makes. Releases before the final one of a version differ
 * in theirs, so that a version alone does not say what an interpreter loads.
 *
 * A magic number here is the integer that names the format, such as 3571: the first two bytes of a .pyc file, and of
 * importlib.util.MAGIC_NUMBER. */
#pragma once

/* Sees that `magic` (0: any) is served for the version *python; where that is NULL, it becomes the version which has
 * that magic number, and the caller frees it. Returns NULL, or a sentence, which the caller frees. Reads files. */
char *served_magic_choose(unsigned magic, char **python);
