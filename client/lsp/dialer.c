/* Connecting to the daemon in a child process. The child sends one packet: '+' and the Python's version, with the
 * socket as SCM_RIGHTS; or '-' and an error message. */
#include "client/lsp/dialer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "client/python_choice.h"
#include "client/rpc_client.h"

#define PACKET_MAX 16384

/* A killed daemon may accept connections for a moment after its old ones were closed. Attempts, and the wait between
 * them. */
#define GHOSTS_MAX 100
#define GHOST_WAIT_MS 10

union fd_message {
    struct cmsghdr header; /* for the alignment */
    char room[CMSG_SPACE(sizeof(int))];
};

void dialer_init(struct dialer *dialer) {
    *dialer = (struct dialer){.fd = -1};
}

/* Waits for the child, which has exited or is about to. */
static void dialer_reap(struct dialer *dialer) {
    while (dialer->pid > 0 && waitpid(dialer->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (dialer->fd >= 0)
        close(dialer->fd);
    dialer_init(dialer);
}

void dialer_deinit(struct dialer *dialer) {
    if (dialer->pid > 0)
        kill(dialer->pid, SIGKILL);
    dialer_reap(dialer);
}

/* Returns 0 or a negative errno. */
static int dialer_send_packet(int channel, char kind, const char *text, int fd) {
    union fd_message ancillary = {0};
    size_t len = strlen(text) < PACKET_MAX - 1 ? strlen(text) : PACKET_MAX - 1;
    struct iovec parts[] = {{&kind, 1}, {(char *)text, len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (fd >= 0) {
        message.msg_control = ancillary.room;
        message.msg_controllen = sizeof ancillary.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Closes the editor's pipes in the child: the editor must see their end when the server exits. */
static void dialer_release_editor(void) {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
    }
}

/* Connects, and asks for the Python of the folder (NULL: does not). Returns a descriptor, or -1 and *why. *is_lost: the
 * daemon has closed the connection at once, as one does that is dying. */
static int dialer_try(enum autostart_when when, const char *socket_path, const char *folder, char **python, char **why,
                      bool *is_lost) {
    struct autostart autostart = {.socket_path = socket_path, .when = when};
    struct rpc_client client;
    *is_lost = false;
    int fd = autostart_connect(&autostart, why);
    if (fd >= 0 && autostart.notice != NULL)
        fprintf(stderr, "pycompile-lsp: %s\n", autostart.notice);
    if (fd < 0 || folder == NULL)
        return fd;
    rpc_client_init(&client, fd);
    if (python_choice_ask(&client, folder, python, why) == 0)
        return fd;
    *is_lost = rpc_client_read(&client) == RPC_STEP_CLOSED;
    rpc_client_deinit(&client);
    return -1;
}

static _Noreturn void dialer_run_child(int channel, enum autostart_when when, const char *socket_path,
                                       const char *folder) {
    char *why = NULL, *python = NULL;
    bool is_lost = true;
    int fd = -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dialer_release_editor();
    for (int tries = 0; is_lost && tries < GHOSTS_MAX; tries++) {
        if (tries > 0)
            clock_sleep_ms(GHOST_WAIT_MS);
        fd = dialer_try(when, socket_path, folder, &python, &why, &is_lost);
    }
    int sent = fd >= 0 ? dialer_send_packet(channel, '+', python ? python : "", fd)
                       : dialer_send_packet(channel, '-', why ? why : "", -1);
    _exit(sent < 0);
}

int dialer_start(struct dialer *dialer, enum autostart_when when, const char *socket_path, const char *folder) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        dialer_run_child(ends[1], when, socket_path, folder);
    int error = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (error == 0)
        *dialer = (struct dialer){pid, ends[0]};
    else
        close(ends[0]);
    return error;
}

/* Returns the descriptor that came with the message, or -1. */
static int dialer_take_fd(struct msghdr *message) {
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int dialer_take(struct dialer *dialer, char **python, char **why) {
    char text[PACKET_MAX + 1];
    union fd_message ancillary;
    struct iovec part = {text, PACKET_MAX};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary.room, .msg_controllen = sizeof ancillary.room};
    *python = *why = NULL;
    ssize_t len;
    do
        len = recvmsg(dialer->fd, &message, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    dialer_reap(dialer);
    text[len > 0 ? len : 0] = '\0';
    int fd = len > 0 ? dialer_take_fd(&message) : -1;
    if (fd < 0) {
        *why = xstrdup(len > 0 ? text + 1 : "the process that was to connect to the daemon died");
        return -ENOTCONN;
    }
    if (text[1] != '\0')
        *python = xstrdup(text + 1);
    return fd;
}
