/* Reads candidates ahead, and asks about all of them at once. */
#include "client/compileall/candidates_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proto/json.h"

#define AHEAD_MAX 4096
#define SEARCH_WAIT_MS 120000

struct candidates_ahead {
    enum candidates_step step;
    char *path, *folder; /* folder NULL as in struct candidate */
    bool left_out;
};

static void path_pattern_encode(const struct path_pattern *pattern, char *const *paths, size_t count,
                                struct buffer *params) {
    buffer_append_string(params, "{\"python\":");
    json_print_string(pattern->python, params);
    buffer_append_string(params, ",\"pattern\":");
    json_print_string(pattern->text, params);
    buffer_append_string(params, ",\"strings\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(params, ',');
        json_print_string(paths[i], params);
    }
    buffer_append_string(params, "]}");
}

/* Sets found[i] to whether re.search() finds the pattern in paths[i]. Returns 0, or a negative errno value and why. */
static int path_pattern_search(const struct path_pattern *pattern, char *const *paths, size_t count, bool *found,
                               char **why) {
    struct buffer params = {0};
    path_pattern_encode(pattern, paths, count, &params);
    cJSON *result = run_link_call(pattern->link, "search", &params, SEARCH_WAIT_MS, why);
    buffer_deinit(&params);
    if (result == NULL)
        return -EIO;
    if (count > 0)
        memset(found, 0, count * sizeof *found);
    const cJSON *index;
    cJSON_ArrayForEach(index, cJSON_GetObjectItemCaseSensitive(result, "found")) {
        if (cJSON_IsNumber(index) && index->valuedouble >= 0 && index->valuedouble < (double)count)
            found[(size_t)index->valuedouble] = true;
    }
    cJSON_Delete(result);
    return 0;
}

int path_pattern_check(const struct path_pattern *pattern, char **why) {
    return path_pattern_search(pattern, NULL, 0, NULL, why);
}

/* Asks Python which files are left out. */
static int candidates_judge(struct candidates_filter *filter, char **why) {
    char **paths = xmalloc(AHEAD_MAX * sizeof *paths);
    bool *found = xmalloc(AHEAD_MAX * sizeof *found);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < filter->count; i++)
        if (filter->ahead[i].step == CANDIDATE_FILE)
            paths[count++] = filter->ahead[i].path;
    int result = count ? path_pattern_search(filter->pattern, paths, count, found, why) : 0;
    for (size_t i = 0; result == 0 && i < filter->count; i++)
        if (filter->ahead[i].step == CANDIDATE_FILE)
            filter->ahead[i].left_out = found[at++];
    free(paths);
    free(found);
    return result;
}

static void candidates_ahead_free(struct candidates_ahead *ahead) {
    free(ahead->path);
    free(ahead->folder);
    *ahead = (struct candidates_ahead){0};
}

/* Reads ahead as far as possible without waiting. Returns the step that ended it. */
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
    if (filter->pattern == NULL)
        return candidates_next(filter->source, candidate);
    if (filter->ahead == NULL)
        filter->ahead = xcalloc(AHEAD_MAX, sizeof *filter->ahead);
    if (filter->next > 0)
        candidates_ahead_free(&filter->ahead[filter->next - 1]);
    if (filter->next == filter->count) {
        enum candidates_step step = read_ahead(filter);
        if (filter->count == 0)
            return step;
        if (candidates_judge(filter, why) < 0)
            return CANDIDATE_END;
    }
    const struct candidates_ahead *ahead = &filter->ahead[filter->next++];
    /* By its path, since its folder may be closed by now. */
    *candidate = (struct candidate){{ahead->path, AT_FDCWD, ahead->path, false}, ahead->folder, ahead->left_out};
    return ahead->step;
}

void candidates_filter_deinit(struct candidates_filter *filter) {
    for (size_t i = 0; i < filter->count; i++)
        candidates_ahead_free(&filter->ahead[i]);
    free(filter->ahead);
    *filter = (struct candidates_filter){0};
}
