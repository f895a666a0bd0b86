/* Hosts for unit tests of the pool: no processes, but the other ends of the sockets of each host that the pool starts.
 * A test reads what workers are asked, answers, and lets hosts die. */
#pragma once

#include "tests/unit/fake_peers.h"

#include "daemon/pool/pool.h"

#define FAKE_HOSTS_MAX 1024
#define FAKE_WORKERS_MAX 16

struct fake_host {
    struct host_process *process;
    enum host_kind kind;
    unsigned workers;
    int control;
    int fds[FAKE_WORKERS_MAX];
    struct frame_reader in[FAKE_WORKERS_MAX];
    bool killed; /* by the pool: dies in the next turn */
    bool gone;
};

struct fake_hosts {
    struct fake_peers peers;
    struct pool *pool;
    struct fake_host hosts[FAKE_HOSTS_MAX];
    unsigned host_count;                         /* that were started */
    unsigned starts;                             /* also those that failed */
    int start_error;                             /* of the next starts; 0: they succeed */
    struct host_process *failed[FAKE_HOSTS_MAX]; /* whose start has failed, to be closed in the next turn */
    unsigned failed_count;
    bool stays;           /* hosts that are asked to leave do not */
    bool warms_by_itself; /* workers say at once that they are ready */
    long oom_kills;
};

/* A request that a worker has got. */
struct fake_request {
    unsigned id;
    char method[16];
    char file[64]; /* of its parameters */
};

/* A pool for that Python version, without hosts. There is one such structure at a time. */
void fake_hosts_init(struct fake_hosts *fakes, const char *python, unsigned workers);
void fake_hosts_deinit(struct fake_hosts *fakes);

/* Turns the loop until nothing more happens; hosts that were killed die. */
void fake_hosts_turn(struct fake_hosts *fakes);

/* The client asks for a compile of that file, and the loop turns. */
struct job *fake_hosts_submit(struct fake_hosts *fakes, struct fake_client *client, unsigned id, const char *file);
/* The same for a job that the caller completes and then submits. */
struct job *fake_hosts_new_job(struct fake_hosts *fakes, struct fake_client *client, unsigned id, const char *file,
                               enum job_kind kind);

/* The next request that a worker of the host has got; false where there is none. */
bool fake_host_take(struct fake_host *host, unsigned worker, struct fake_request *request);
/* Checks that the next request is to compile that file. */
struct fake_request fake_host_expect(struct fake_host *host, unsigned worker, const char *file);

/* The worker says that its interpreter is up. */
void fake_host_warm(struct fake_host *host, unsigned worker);

/* The worker answers, and the loop turns. `answer`: a member and its text: "\"result\":{}". */
void fake_host_answer(struct fake_hosts *fakes, struct fake_host *host, unsigned worker, unsigned id,
                      const char *answer);

/* The host says something on its control socket. */
void fake_host_report(struct fake_host *host, const char *method, const char *params);

/* The host dies, its sockets close, and the loop turns. */
void fake_host_die(struct fake_hosts *fakes, struct fake_host *host, int exit_status, int signal);

/* The host closes a worker's socket, and lives. */
void fake_host_hang_up(struct fake_host *host, unsigned worker);

/* The process ends while another that it has forked keeps its sockets open. */
void fake_host_die_open(struct fake_hosts *fakes, struct fake_host *host, int signal);

/* A worker begins an answer of that length; the host itself a report. */
void fake_host_announce(struct fake_host *host, unsigned worker, size_t len);
void fake_host_announce_report(struct fake_host *host, size_t len);
