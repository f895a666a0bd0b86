/* Names first, then a walk through each named folder. */
#include "client/compileall/candidates.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/compileall/python_text.h"

/* Takes the next name. CANDIDATE_FILE means that there is one, CANDIDATE_NUL that it has a NUL. */
static enum candidates_step take_dest(struct candidates *c) {
    const char *name;
    bool truncated = false;
    free(c->dest);
    c->dest = NULL;
    if (c->next < c->dest_count) {
        c->dest = xstrdup(c->dests[c->next++]);
    } else {
        enum names_status status = c->list ? names_next(c->list, &name, &truncated) : NAMES_END;
        if (status != NAMES_READY)
            return status == NAMES_WAIT ? CANDIDATE_WAIT : CANDIDATE_END;
        size_t len = c->list->nul ? strlen(name) : python_text_strip(&name);
        c->dest = xstrndup(name, len);
    }
    c->seen++;
    return truncated ? CANDIDATE_NUL : CANDIDATE_FILE;
}

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static enum candidates_step walk_on(struct candidates *c, struct candidate *candidate) {
    static const enum candidates_step steps[] = {
        [WALK_LISTING] = CANDIDATE_LISTING,
        [WALK_FAILED] = CANDIDATE_FAILED,
        [WALK_FILE] = CANDIDATE_FILE,
        [WALK_END] = CANDIDATE_END,
    };
    *candidate = (struct candidate){.folder = c->dest};
    return steps[walk_next(c->walk, &candidate->entry)];
}

enum candidates_step candidates_next(struct candidates *c, struct candidate *candidate) {
    for (;;) {
        if (c->walk != NULL) {
            enum candidates_step step = walk_on(c, candidate);
            if (step != CANDIDATE_END)
                return step;
            c->walk = walk_free(c->walk);
        }
        enum candidates_step step = take_dest(c);
        if (step == CANDIDATE_WAIT || step == CANDIDATE_END)
            return step;
        if (step == CANDIDATE_NUL || (!c->folders_alone && is_file(c->dest))) {
            *candidate = (struct candidate){{c->dest, AT_FDCWD, c->dest, false}, NULL, false};
            return step;
        }
        c->walk = walk_new(c->dest, c->levels, c->ahead);
    }
}

void candidates_deinit(struct candidates *c) {
    c->walk = walk_free(c->walk);
    free(c->dest);
    c->dest = NULL;
}
