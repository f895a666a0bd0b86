/* See candidates_filter.h. */
#include "client/compileall/candidates_filter.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/buffer.h"

#define AHEAD_MAX 4096

struct candidates_ahead {
    enum candidates_step step;
    char *path, *folder; /* folder NULL as in struct candidate */
    bool left_out;
};

/* Asks Python which of the files are left out. */
static int judge(struct candidates_filter *filter, char **why) {
    char **paths = xmalloc(AHEAD_MAX * sizeof *paths);
    bool *found = xmalloc(AHEAD_MAX * sizeof *found);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < filter->count; i++)
        if (filter->ahead[i].step == CANDIDATE_FILE)
            paths[count++] = filter->ahead[i].path;
    int result = count ? path_filter_run(filter->filter, paths, count, found, why) : 0;
    for (size_t i = 0; result == 0 && i < filter->count; i++)
        if (filter->ahead[i].step == CANDIDATE_FILE)
            filter->ahead[i].left_out = found[at++];
    free(paths);
    free(found);
    return result;
}

static void drop(struct candidates_ahead *ahead) {
    free(ahead->path);
    free(ahead->folder);
    *ahead = (struct candidates_ahead){0};
}

/* Reads ahead as far as that goes without waiting. Returns what it ended with. */
static enum candidates_step read_ahead(struct candidates_filter *filter) {
    struct candidate candidate;
    enum candidates_step step = CANDIDATE_FILE;
    filter->count = filter->next = 0;
    while (filter->count < AHEAD_MAX) {
        step = candidates_next(filter->source, &candidate);
        if (step == CANDIDATE_WAIT || step == CANDIDATE_END)
            break;
        char *folder = candidate.folder ? xstrdup(candidate.folder) : NULL;
        filter->ahead[filter->count++] = (struct candidates_ahead){step, xstrdup(candidate.entry.path), folder, false};
    }
    return step;
}

enum candidates_step candidates_filter_next(struct candidates_filter *filter, struct candidate *candidate, char **why) {
    if (filter->filter == NULL)
        return candidates_next(filter->source, candidate);
    if (filter->ahead == NULL)
        filter->ahead = xcalloc(AHEAD_MAX, sizeof *filter->ahead);
    if (filter->next > 0)
        drop(&filter->ahead[filter->next - 1]);
    if (filter->next == filter->count) {
        enum candidates_step step = read_ahead(filter);
        if (filter->count == 0)
            return step;
        if (judge(filter, why) < 0)
            return CANDIDATE_END;
    }
    const struct candidates_ahead *ahead = &filter->ahead[filter->next++];
    /* By path: its folder may be closed by now. */
    *candidate = (struct candidate){{ahead->path, AT_FDCWD, ahead->path}, ahead->folder, ahead->left_out};
    return ahead->step;
}

void candidates_filter_deinit(struct candidates_filter *filter) {
    for (size_t i = 0; i < filter->count; i++)
        drop(&filter->ahead[i]);
    free(filter->ahead);
    *filter = (struct candidates_filter){0};
}
