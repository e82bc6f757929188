/*
 * pamdrive: a PAM application for tests and benchmarks, honest or hostile.
 *
 *   pamdrive [OPTION...] SERVICE USER [ANSWER...]
 *   pamdrive [OPTION...] --race SERVICE <ROUNDS
 *
 * Build: cc -O2 -Wall -Wextra -Werror -o pamdrive pamdrive.c -lpam
 *
 * ANSWERs are given to the module's prompts in their order; after the last one
 * the conversation fails. A single ANSWER "-" takes them from standard input, a
 * line each. An ANSWER that begins with "|" is a shell command, whose first line
 * is the answer; the prompt is its variable PROMPT. Options:
 *
 *   --confdir DIR                    service files from DIR, not /etc/pam.d
 *   --rhost H --ruser R --tty T      items to set
 *   --calls LIST                     of authenticate (the default), setcred,
 *                                    acct_mgmt, open_session, close_session,
 *                                    chauthtok, separated by commas
 *   --silent                         pass PAM_SILENT
 *   --no-conv                        no conversation function at all
 *   --mode MODE                      how the conversation meets a prompt:
 *       answer             as it should
 *       null               success, but no string in the response
 *       null-array         success, but no responses
 *       error              PAM_CONV_ERR
 *       error-with-array   PAM_CONV_ERR, with responses all the same
 *       huge=BYTES         success, that many digits 1
 *       binary=HEX         success, just these bytes: end them with 00, or the
 *                          module gets no terminator
 *       slow=MS            as it should, after a while
 *   --real-uid UID                   as su has it, which this person started; the rest is root's
 *   --until-refused                  no further call after one that fails, as
 *                                    applications do; a getppid() before each
 *                                    call shows in a trace where it begins
 *   --repeat N                       N transactions; ANSWERs start over when
 *                                    used up; only results are printed
 *   --fork                           each transaction in a process of its own
 *   --stop                           nothing told is kept, and what the module says goes to
 *                                    standard output as it is; after the last call, before
 *                                    pam_end, the process stops itself (SIGSTOP), so that
 *                                    somebody can look for what is left in its memory
 *
 * Printed at the end (so what a module prints itself stands out), each line
 * after "pamdrive: ": prompt off|on "TEXT", info "TEXT", error "TEXT",
 * delay USEC (libpam would have slept), CALL RC NS (NS: nanoseconds from the last
 * time a prompt was met, or else from the call, to the return), user NAME,
 * fds BEFORE AFTER, threads N, ids RUID,EUID,SUID,RGID,EGID,SGID, with --repeat memory KB KB (resident, after a tenth of
 * the transactions and at the end); further start RC if the transaction could not even
 * be started, and died sigN if a process of its own did not survive.
 * Exit status: 0 if all calls returned 0, 1 if not, 2 for wrong usage.
 *
 * --race: ROUNDS are separated by blank lines, each line of a round being
 * USER<TAB>ANSWER[<TAB>RHOST[<TAB>USEC]]. All lines of a round authenticate at once,
 * each in its own process, and get their answers at the same instant; with USEC the
 * kernel kills that process so long after its answer. Printed for
 * each round: the return codes in the order of lines; sigN or exitN in place of
 * the code if the process ended by that. Exit status: 1 if that occurred or a
 * round timed out, else 0 whatever the codes are.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/futex.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, MAX_CALLS = 64, BARRIER_SECONDS = 10 };

enum mode { ANSWER, NO_STRING, NO_ARRAY, FAIL, FAIL_WITH_ARRAY, HUGE_ANSWER, BINARY, SLOW };

struct call {
    const char *name;
    int (*function)(pam_handle_t *, int);
    int flags;
};

static const struct call known_calls[] = {
    {"authenticate", pam_authenticate, 0},
    {"setcred", pam_setcred, PAM_ESTABLISH_CRED},
    {"acct_mgmt", pam_acct_mgmt, 0},
    {"open_session", pam_open_session, 0},
    {"close_session", pam_close_session, 0},
    {"chauthtok", pam_chauthtok, 0},
};

static struct {
    const char *service, *confdir, *rhost, *ruser, *tty;
    const struct call *calls[MAX_CALLS];
    size_t n_calls;
    bool silent, no_conv, race, fork, stop, answers_from_stdin, until_refused;
    enum mode mode;
    long mode_number; /* of huge and slow */
    unsigned char *binary;
    size_t binary_length;
    long repeat; /* 0: a single transaction, with all events told */
} opt;

/* Lies in memory shared by the processes of a round. */
struct barrier {
    unsigned total;
    atomic_uint arrived;
    atomic_uint open; /* the futex */
    atomic_bool timed_out;
};

/* One process of a round, in the same memory. */
struct runner {
    pid_t pid;
    int status; /* from wait */
    atomic_bool arrived;
    bool finished;
    int rc;
};

/* One transaction: what the conversation has to say, and what it learns. */
struct talk {
    const char *user, *rhost;
    char **answers;
    const char *prompt; /* the one that is being answered */
    size_t n_answers;
    size_t *next; /* shared with forked transactions */
    struct barrier *barrier;
    struct runner *runner;
    long killed_after; /* microseconds; 0: not at all */
    FILE *log; /* events and results; NULL: nobody is interested */
    uint64_t since;
};

/* ---- small things ---- */

static _Noreturn void usage(const char *problem)
{
    fprintf(stderr, "pamdrive: %s\n"
            "usage: pamdrive [OPTION...] SERVICE USER [ANSWER...]\n"
            "       pamdrive [OPTION...] --race SERVICE <ROUNDS\n"
            "(the options are explained at the beginning of pamdrive.c)\n", problem);
    exit(EXIT_USAGE);
}

static long number(const char *text)
{
    char *end;
    long n;
    errno = 0;
    n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || n < 0)
        usage("not a number");
    return n;
}

static void fatal(const char *what)
{
    fprintf(stderr, "pamdrive: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *checked(void *memory)
{
    if (memory == NULL)
        fatal("no memory");
    return memory;
}

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fatal("mmap");
    return memory; /* zeroes */
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static long count_entries(const char *directory)
{
    DIR *dir = opendir(directory);
    long n = 0;
    if (dir == NULL)
        return -1;
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static long open_descriptors(void)
{
    closelog(); /* libc's connection to the log, not the module's */
    return count_entries("/proc/self/fd") - 1; /* opendir's own */
}

static void tell_ids(void)
{
    uid_t u[3];
    gid_t g[3];
    if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
        fatal("ids");
    printf("pamdrive: ids %u,%u,%u,%u,%u,%u\n", u[0], u[1], u[2], g[0], g[1], g[2]);
}

static long resident_kilobytes(void)
{
    long pages = -1;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%*d %ld", &pages) != 1)
        fatal("/proc/self/statm");
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* In printable ASCII, on one line, so that any text can be told apart. */
static void print_escaped(FILE *to, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c == '\n')
            fputs("\\n", to);
        else if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            fprintf(to, "\\x%02x", *c);
        else
            putc(*c, to);
    }
}

__attribute__((format(printf, 2, 3))) static void result(struct talk *t, const char *format, ...)
{
    va_list args;
    if (t->log == NULL)
        return;
    va_start(args, format);
    fputs("pamdrive: ", t->log);
    vfprintf(t->log, format, args);
    putc('\n', t->log);
    va_end(args);
}

/* ---- the barrier ---- */

static void futex(atomic_uint *word, int operation, unsigned value, const struct timespec *until)
{
    syscall(SYS_futex, word, operation, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void open_barrier(struct barrier *b)
{
    atomic_store(&b->open, 1);
    futex(&b->open, FUTEX_WAKE, INT_MAX, NULL);
}

/* Counts each runner once, whether it says so itself or its end does. */
static void arrive(struct barrier *b, struct runner *r)
{
    if (!atomic_exchange(&r->arrived, true) && atomic_fetch_add(&b->arrived, 1) + 1 == b->total)
        open_barrier(b);
}

/* A round that cannot come together (a module may hold a lock while it asks) is
 * let go at once for all, rather than hang. */
static void await_others(struct barrier *b)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until); /* the clock of FUTEX_WAIT_BITSET */
    until.tv_sec += BARRIER_SECONDS;
    while (!atomic_load(&b->open)) {
        errno = 0;
        futex(&b->open, FUTEX_WAIT_BITSET, 0, &until);
        if (errno == ETIMEDOUT && !atomic_load(&b->open)) {
            atomic_store(&b->timed_out, true);
            open_barrier(b);
        }
    }
}

/* By a timer of the kernel's: no other process has to be awake then. */
static void be_killed_after(long microseconds)
{
    struct sigevent by_kill = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec once = {
        .it_value = {microseconds / 1000000, microseconds % 1000000 * 1000},
    };
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &by_kill, &timer) != 0 || timer_settime(timer, 0, &once, NULL) != 0)
        fatal("timer");
}

/* ---- the conversation ---- */

static char *line_from_stdin(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = 0;
    return line;
}

static char *line_from_command(const char *command, const char *prompt)
{
    char *line = NULL;
    size_t size = 0;
    if (setenv("PROMPT", prompt, 1) != 0)
        return NULL;
    FILE *output = popen(command, "r");
    if (output == NULL)
        return NULL;
    ssize_t length = getline(&line, &size, output);
    if (pclose(output) != 0 || length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = 0;
    return line;
}

static char *next_answer(struct talk *t)
{
    const char *answer;
    if (opt.answers_from_stdin)
        return line_from_stdin();
    if (opt.repeat > 0 && t->n_answers > 0)
        *t->next %= t->n_answers;
    if (*t->next >= t->n_answers)
        return NULL;
    answer = t->answers[(*t->next)++];
    return answer[0] == '|' ? line_from_command(answer + 1, t->prompt) : checked(strdup(answer));
}

/* A string on the heap, as PAM demands: the module frees it. */
static char *make_answer(struct talk *t)
{
    char *answer;
    switch (opt.mode) {
    case HUGE_ANSWER:
        answer = checked(malloc((size_t)opt.mode_number + 1));
        memset(answer, '1', (size_t)opt.mode_number);
        answer[opt.mode_number] = 0;
        return answer;
    case BINARY: /* not a byte more, so that memory checkers see a read too far */
        answer = checked(malloc(opt.binary_length));
        memcpy(answer, opt.binary, opt.binary_length);
        return answer;
    case FAIL_WITH_ARRAY:
        answer = next_answer(t);
        return answer != NULL ? answer : checked(strdup("123456"));
    case ANSWER:
    case SLOW:
        return next_answer(t);
    default:
        return NULL;
    }
}

static void free_responses(struct pam_response *responses, int n)
{
    for (int i = 0; i < n; i++)
        free(responses[i].resp);
    free(responses);
}

static bool is_prompt(const struct pam_message *m)
{
    return m->msg_style == PAM_PROMPT_ECHO_OFF || m->msg_style == PAM_PROMPT_ECHO_ON;
}

static void tell_message(struct talk *t, const struct pam_message *m)
{
    const char *kind = m->msg_style == PAM_PROMPT_ECHO_OFF  ? "prompt off"
                       : m->msg_style == PAM_PROMPT_ECHO_ON ? "prompt on"
                       : m->msg_style == PAM_TEXT_INFO      ? "info"
                       : m->msg_style == PAM_ERROR_MSG      ? "error"
                                                            : "unknown";
    if (opt.stop) { /* not through a buffer of ours */
        if (m->msg != NULL && write(STDOUT_FILENO, m->msg, strlen(m->msg)) < 0)
            fatal("write");
        return;
    }
    if (t->log == NULL || opt.repeat > 0)
        return;
    fprintf(t->log, "pamdrive: %s \"", kind);
    print_escaped(t->log, m->msg != NULL ? m->msg : "");
    fputs("\"\n", t->log);
}

/* Hands the responses over, in the way the mode wants. */
static int deliver(struct pam_response *responses, int n, bool complete, struct pam_response **to)
{
    int rc = PAM_SUCCESS;
    if (opt.mode == FAIL_WITH_ARRAY) {
        *to = responses;
        return PAM_CONV_ERR;
    }
    if (opt.mode == FAIL || (opt.mode != NO_STRING && opt.mode != NO_ARRAY && !complete))
        rc = PAM_CONV_ERR;
    if (opt.mode == NO_ARRAY || rc != PAM_SUCCESS) {
        free_responses(responses, n);
        responses = NULL;
    }
    *to = responses;
    return rc;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **to, void *data)
{
    struct talk *t = data;
    bool asked = false, complete = true;
    struct pam_response *responses;
    int rc;

    if (n <= 0 || n > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    responses = checked(calloc((size_t)n, sizeof *responses));
    for (int i = 0; i < n; i++) {
        tell_message(t, messages[i]);
        if (!is_prompt(messages[i]))
            continue;
        asked = true;
        t->prompt = messages[i]->msg;
        responses[i].resp = make_answer(t);
        complete = complete && responses[i].resp != NULL;
    }
    if (!asked) { /* nothing to be hostile about */
        *to = responses;
        return PAM_SUCCESS;
    }
    rc = deliver(responses, n, complete, to);
    if (opt.mode == SLOW)
        sleep_ms(opt.mode_number);
    if (t->barrier != NULL) {
        arrive(t->barrier, t->runner);
        await_others(t->barrier);
    }
    if (t->killed_after > 0)
        be_killed_after(t->killed_after);
    t->since = now();
    return rc;
}

/* libpam calls this in place of sleeping, also when it would not have slept. */
static void on_delay(int rc, unsigned usec, void *data)
{
    if (rc != PAM_SUCCESS && usec > 0 && opt.repeat == 0)
        result(data, "delay %u", usec);
}

/* ---- a transaction ---- */

static int set_item(pam_handle_t *handle, int item, const void *value)
{
    return value == NULL ? PAM_SUCCESS : pam_set_item(handle, item, value);
}

static int start(struct talk *t, pam_handle_t **handle)
{
    const struct pam_conv conversation = {opt.no_conv ? NULL : converse, t};
    int rc = opt.confdir != NULL
                 ? pam_start_confdir(opt.service, t->user, &conversation, opt.confdir, handle)
                 : pam_start(opt.service, t->user, &conversation, handle);
    if (rc != PAM_SUCCESS)
        *handle = NULL;
    else if ((rc = set_item(*handle, PAM_RHOST, t->rhost)) == PAM_SUCCESS &&
             (rc = set_item(*handle, PAM_RUSER, opt.ruser)) == PAM_SUCCESS &&
             (rc = set_item(*handle, PAM_TTY, opt.tty)) == PAM_SUCCESS)
        rc = pam_set_item(*handle, PAM_FAIL_DELAY, (const void *)on_delay);
    if (rc != PAM_SUCCESS)
        result(t, "start %d", rc);
    return rc;
}

static int do_call(struct talk *t, pam_handle_t *handle, const struct call *call)
{
    int rc;
    if (opt.until_refused)
        syscall(SYS_getppid);
    t->since = now();
    rc = call->function(handle, call->flags | (opt.silent ? PAM_SILENT : 0));
    result(t, "%s %d %llu", call->name, rc, (unsigned long long)(now() - t->since));
    return rc;
}

static void tell_user(struct talk *t, pam_handle_t *handle)
{
    const void *user = NULL;
    if (t->log == NULL || opt.repeat > 0)
        return;
    pam_get_item(handle, PAM_USER, &user);
    fputs("pamdrive: user ", t->log);
    print_escaped(t->log, user != NULL ? user : "(null)");
    putc('\n', t->log);
}

/* Makes all calls, even after a failed one unless it was told otherwise; returns the first code not 0. */
static int transaction(struct talk *t)
{
    pam_handle_t *handle = NULL;
    int last = start(t, &handle), first_bad = last;
    bool goes_on = last == PAM_SUCCESS;
    for (size_t i = 0; i < opt.n_calls && handle != NULL && goes_on; i++) {
        last = do_call(t, handle, opt.calls[i]);
        if (first_bad == PAM_SUCCESS)
            first_bad = last;
        goes_on = last == PAM_SUCCESS || !opt.until_refused;
    }
    if (handle != NULL && opt.stop)
        raise(SIGSTOP);
    if (handle != NULL) {
        tell_user(t, handle);
        pam_end(handle, last);
    }
    return first_bad;
}

/* With its output kept back until it is over. */
static int told_transaction(struct talk *t)
{
    char *text = NULL;
    size_t length = 0;
    int rc;
    t->log = checked(open_memstream(&text, &length));
    rc = transaction(t);
    fclose(t->log);
    fwrite(text, 1, length, stdout);
    free(text);
    return rc;
}

static int forked_transaction(struct talk *t)
{
    int status;
    pid_t pid;
    fflush(stdout);
    if ((pid = fork()) < 0)
        fatal("fork");
    if (pid == 0) {
        int rc = told_transaction(t);
        fflush(stdout);
        _exit(rc == PAM_SUCCESS ? 0 : 1);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            fatal("waitpid");
    if (WIFSIGNALED(status))
        printf("pamdrive: died sig%d\n", WTERMSIG(status));
    return status;
}

static bool run_transactions(const char *user, char **answers, size_t n_answers)
{
    size_t *next = shared_memory(sizeof *next);
    struct talk t = {.user = user, .rhost = opt.rhost, .answers = answers, .n_answers = n_answers, .next = next};
    long n = opt.repeat > 0 ? opt.repeat : 1, before = open_descriptors(), memory = 0;
    bool good = true;

    for (long i = 0; i < n; i++) {
        if (i == n / 10)
            memory = resident_kilobytes();
        good = (opt.fork ? forked_transaction(&t) : told_transaction(&t)) == 0 && good;
    }
    if (opt.repeat > 0 && !opt.fork)
        printf("pamdrive: memory %ld %ld\n", memory, resident_kilobytes());
    if (!opt.fork) { /* the parent of processes has nothing to tell of itself */
        printf("pamdrive: fds %ld %ld\n", before, open_descriptors());
        printf("pamdrive: threads %ld\n", count_entries("/proc/self/task"));
        tell_ids();
    }
    munmap(next, sizeof *next);
    return good;
}

/* ---- the race ---- */

struct round {
    struct barrier barrier;
    struct runner runners[];
};

static void run_racer(char *line, struct round *round, struct runner *self)
{
    size_t next = 0;
    char *user = strsep(&line, "\t"), *answer = strsep(&line, "\t"), *rhost = strsep(&line, "\t");
    struct talk t = {
        .user = user,
        .rhost = rhost != NULL ? rhost : opt.rhost,
        .killed_after = line != NULL ? number(line) : 0,
        .answers = &answer,
        .n_answers = answer != NULL,
        .next = &next,
        .barrier = &round->barrier,
        .runner = self,
    };
    self->rc = transaction(&t);
    self->finished = true;
    fflush(stdout);
    _exit(0);
}

/* Waits for all; the end of one stands for its arrival. */
static void reap(struct round *round)
{
    size_t n = round->barrier.total;
    for (size_t left = n; left > 0;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            fatal("waitpid");
        for (struct runner *r = round->runners; r < round->runners + n; r++) {
            if (r->pid != pid)
                continue;
            r->status = status;
            arrive(&round->barrier, r);
            left--;
        }
    }
}

static bool tell_round(const struct round *round)
{
    bool good = !round->barrier.timed_out;
    fputs("pamdrive:", stdout);
    for (size_t i = 0; i < round->barrier.total; i++) {
        const struct runner *r = &round->runners[i];
        if (WIFSIGNALED(r->status))
            printf(" sig%d", WTERMSIG(r->status));
        else if (!r->finished)
            printf(" exit%d", WEXITSTATUS(r->status));
        else
            printf(" %d", r->rc);
        good = good && r->finished;
    }
    putchar('\n');
    fflush(stdout); /* the caller's next round may depend on it */
    if (round->barrier.timed_out)
        fputs("pamdrive: a round timed out before all had asked or ended\n", stderr);
    return good;
}

static bool run_round(char **lines, size_t n)
{
    size_t size = sizeof(struct round) + n * sizeof(struct runner);
    struct round *round = shared_memory(size);
    bool good;

    round->barrier.total = (unsigned)n;
    fflush(stdout);
    for (size_t i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid < 0)
            fatal("fork");
        if (pid == 0)
            run_racer(lines[i], round, &round->runners[i]);
        round->runners[i].pid = pid;
    }
    reap(round);
    good = tell_round(round);
    munmap(round, size);
    return good;
}

static bool run_race(void)
{
    static char **lines; /* static: no leak in the processes of a round */
    size_t n = 0;
    bool good = true, more = true;
    while (more) {
        char *line = line_from_stdin();
        more = line != NULL;
        if (more && *line != 0) {
            lines = checked(realloc(lines, (n + 1) * sizeof *lines));
            lines[n++] = line;
            continue;
        }
        free(line);
        if (n > 0)
            good = run_round(lines, n) && good;
        while (n > 0)
            free(lines[--n]);
    }
    free(lines);
    return good;
}

/* ---- the command line ---- */

static void parse_calls(char *list)
{
    for (char *name; (name = strsep(&list, ",")) != NULL;) {
        const struct call *call = NULL;
        for (size_t i = 0; i < sizeof known_calls / sizeof *known_calls; i++)
            if (strcmp(name, known_calls[i].name) == 0)
                call = &known_calls[i];
        if (call == NULL || opt.n_calls == MAX_CALLS)
            usage("unknown call, or too many");
        opt.calls[opt.n_calls++] = call;
    }
}

static void parse_hex(const char *hex)
{
    size_t length = strlen(hex) / 2;
    if (length == 0 || strlen(hex) % 2 != 0 || strspn(hex, "0123456789abcdefABCDEF") != 2 * length)
        usage("not pairs of hex digits");
    free(opt.binary);
    opt.binary = checked(malloc(length));
    opt.binary_length = length;
    for (size_t i = 0; i < length; i++)
        sscanf(hex + 2 * i, "%2hhx", &opt.binary[i]);
}

static void parse_mode(const char *mode)
{
    static const char *const names[] = {
        "answer", "null", "null-array", "error", "error-with-array", "huge=", "binary=", "slow=",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        bool takes_value = names[i][length - 1] == '=';
        if (takes_value ? strncmp(mode, names[i], length) != 0 : strcmp(mode, names[i]) != 0)
            continue;
        opt.mode = (enum mode)i;
        if (opt.mode == BINARY)
            parse_hex(mode + length);
        else if (takes_value)
            opt.mode_number = number(mode + length);
        return;
    }
    usage("unknown mode");
}

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"confdir", required_argument, NULL, 'd'}, {"rhost", required_argument, NULL, 'h'},
        {"ruser", required_argument, NULL, 'u'},   {"tty", required_argument, NULL, 't'},
        {"calls", required_argument, NULL, 'c'},   {"silent", no_argument, NULL, 's'},
        {"no-conv", no_argument, NULL, 'n'},       {"mode", required_argument, NULL, 'm'},
        {"repeat", required_argument, NULL, 'r'},  {"fork", no_argument, NULL, 'f'},
        {"race", no_argument, NULL, 'R'},          {"stop", no_argument, NULL, 'S'},
        {"until-refused", no_argument, NULL, 'U'}, {"real-uid", required_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    /* "+": what follows SERVICE is data, whatever it begins with. */
    for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        switch (c) {
        case 'd': opt.confdir = optarg; break;
        case 'h': opt.rhost = optarg; break;
        case 'u': opt.ruser = optarg; break;
        case 't': opt.tty = optarg; break;
        case 'c': parse_calls(optarg); break;
        case 's': opt.silent = true; break;
        case 'n': opt.no_conv = true; break;
        case 'm': parse_mode(optarg); break;
        case 'f': opt.fork = true; break;
        case 'S': opt.stop = true; break;
        case 'U': opt.until_refused = true; break;
        case 'i':
            if (setresuid((uid_t)number(optarg), (uid_t)-1, (uid_t)-1) != 0)
                fatal("setresuid");
            break;
        case 'R': opt.race = true; break;
        case 'r':
            if ((opt.repeat = number(optarg)) == 0)
                usage("nothing to repeat");
            break;
        default: usage("bad option");
        }
    }
    if (opt.n_calls == 0)
        opt.calls[opt.n_calls++] = &known_calls[0];
}

int main(int argc, char **argv)
{
    static char output[1 << 16];
    bool good;
    parse_options(argc, argv);
    argv += optind;
    argc -= optind;
    if (opt.race ? argc != 1 : argc < 2)
        usage("wrong number of arguments");
    opt.service = argv[0];
    /* Nothing may be read ahead: a forked process would keep the lines of others,
     * or on exit give them back to be read again. */
    setvbuf(stdin, NULL, _IONBF, 0);
    /* A picture is longer than the usual buffer. Written in the middle, it would be one more call
     * for faults to meet that is neither the module's nor libpam's. */
    setvbuf(stdout, output, _IOFBF, sizeof output);
    if (opt.race) {
        /* one prompt's answer and one call: what a round is about */
        if (opt.repeat > 0 || opt.fork || opt.n_calls != 1 || opt.mode != ANSWER || opt.no_conv)
            usage("not together with --race");
        good = run_race();
    } else {
        opt.answers_from_stdin = argc == 3 && strcmp(argv[2], "-") == 0;
        good = run_transactions(argv[1], argv + 2, (size_t)argc - 2);
    }
    free(opt.binary);
    return good ? 0 : 1;
}
