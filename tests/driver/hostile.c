/*
 * hostile: a PAM application that does what no application should, for memory checkers.
 *
 *   hostile CASE SERVICE USER CODE...
 *
 * Build: cc -O2 -Wall -Wextra -Werror -o hostile hostile.c -lpam -ldl -lpthread
 *
 * CASEs, each of which prints the codes that it got, a line each call:
 *   handle    one handle for every CODE, items and flags changed in between
 *   nobody    no user was named; the conversation names one, then gives CODE
 *   many      more responses than messages, and texts in answer to notices
 *   numbers   the conversation returns numbers that no table has
 *   changes   the conversation sets the items of the transaction to something else
 *   within    the conversation logs the same person in by another transaction
 *   threads   a thread for each CODE at once, on a stack of 64 KB
 *   environment  after each login PAM's environment has what nobody put there, and setcred comes
 *   direct    the module's functions without libpam: no handle, no arguments
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kase, *service, *user;

static bool is(const char *name) { return strcmp(kase, name) == 0; }

static void *checked(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

struct talk {
    const char *code;
    pam_handle_t *handle;
    int prompts;
};

static int login(const char *code);

static bool is_prompt(const struct pam_message *m)
{
    return m->msg_style == PAM_PROMPT_ECHO_OFF || m->msg_style == PAM_PROMPT_ECHO_ON;
}

/* What a conversation must not do while it is asked. */
static void misbehave(struct talk *t)
{
    if (is("changes")) {
        pam_set_item(t->handle, PAM_USER, "nosuch");
        pam_set_item(t->handle, PAM_RHOST, NULL);
        pam_set_item(t->handle, PAM_AUTHTOK, "another password");
    }
    static bool inside;
    if (is("within") && !inside) {
        inside = true;
        printf("within %d\n", login("000000"));
        inside = false;
    }
}

static int converse(int n, const struct pam_message **messages, struct pam_response **to, void *data)
{
    struct talk *t = data;
    int spare = is("many") ? 3 : 0;
    struct pam_response *responses = checked(calloc((size_t)(n + spare), sizeof *responses));
    for (int i = 0; i < n; i++) {
        if (is_prompt(messages[i])) {
            bool is_name = is("nobody") && t->prompts == 0;
            t->prompts++;
            misbehave(t);
            responses[i].resp = checked(strdup(is_name ? user : t->code));
            responses[i].resp_retcode = -1;
        } else if (is("many")) {
            responses[i].resp = checked(strdup("nobody asked"));
        }
    }
    *to = responses;
    if (is("numbers")) {
        static const int numbers[] = {-1, 31, 32, 9999, 1 << 30};
        return numbers[t->prompts % 5];
    }
    return PAM_SUCCESS;
}

static pam_handle_t *start(struct talk *t)
{
    const struct pam_conv conversation = {converse, t};
    if (pam_start(service, is("nobody") ? NULL : user, &conversation, &t->handle) != PAM_SUCCESS)
        abort();
    return t->handle;
}

static int login(const char *code)
{
    struct talk t = {code, NULL, 0};
    pam_handle_t *handle = start(&t);
    int rc = pam_authenticate(handle, 0);
    pam_end(handle, rc);
    return rc;
}

static void one_handle(char **codes)
{
    struct talk t = {NULL, NULL, 0};
    char *long_text = checked(malloc(5001));
    pam_handle_t *handle = start(&t);
    int rc = 0;
    memset(long_text, 'x', 5000);
    long_text[5000] = 0;
    for (int i = 0; codes[i] != NULL; i++) {
        const char *items[] = {NULL, "", "192.0.2.7", long_text, "\xff\xfe\n\x1b[2J"};
        t.code = codes[i];
        pam_set_item(handle, PAM_RHOST, items[i % 5]);
        pam_set_item(handle, PAM_TTY, items[(i + 1) % 5]);
        pam_set_item(handle, PAM_RUSER, items[(i + 2) % 5]);
        rc = pam_authenticate(handle, i % 2 == 0 ? 0 : ~PAM_SILENT);
        printf("authenticate %d\n", rc);
        pam_setcred(handle, ~0);
        pam_setcred(handle, PAM_ESTABLISH_CRED);
        pam_acct_mgmt(handle, ~0);
        pam_open_session(handle, ~0);
        pam_close_session(handle, 0);
    }
    pam_end(handle, rc);
    free(long_text);
}

/* What the module leaves there from one call to the next, in words of somebody else. */
static void environment(char **codes)
{
    static const char *const names[] = {"PAM_FOB_ENROLMENT", "PAM_FOB_REMEMBERED"};
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    const char *words[] = {
        "", text, "\xff\xfe\n", "../../etc/shadow", "2000-", "2000-0123456789abcdef0123456789abcdef",
        "4294967296-0123456789abcdef0123456789abcdef", ":", "2000:00010203040506ff",
        "4294967296:00010203040506ff",
    };
    for (int i = 0; codes[i] != NULL; i++) {
        struct talk t = {codes[i], NULL, 0};
        pam_handle_t *handle = start(&t);
        int rc = pam_authenticate(handle, 0);
        printf("authenticate %d\n", rc);
        for (size_t word = 0; word < sizeof words / sizeof *words; word++) {
            for (size_t name = 0; name < 2; name++) {
                char assignment[sizeof text + 32];
                snprintf(assignment, sizeof assignment, "%s=%s", names[name], words[word]);
                pam_putenv(handle, assignment);
            }
            rc = pam_setcred(handle, PAM_ESTABLISH_CRED);
            bool gone = pam_getenv(handle, names[0]) == NULL && pam_getenv(handle, names[1]) == NULL;
            printf("setcred %d %s\n", rc, gone ? "taken" : "left");
        }
        pam_end(handle, rc);
    }
}

static void *thread(void *code) { return (void *)(long)login(code); }

static void threads(char **codes, int n)
{
    pthread_t *all = checked(calloc((size_t)n, sizeof *all));
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    for (int i = 0; i < n; i++)
        if (pthread_create(&all[i], &attributes, thread, codes[i]) != 0)
            abort();
    for (int i = 0; i < n; i++) {
        void *rc;
        pthread_join(all[i], &rc);
        printf("authenticate %ld\n", (long)rc);
    }
    pthread_attr_destroy(&attributes);
    free(all);
}

/* Loaded and unloaded a few times, as libpam does. */
static void direct(const char *module)
{
    static const char *const names[] = {
        "pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt",
        "pam_sm_open_session", "pam_sm_close_session", "pam_sm_chauthtok",
    };
    const char *words[] = {"", "conf=", "\xff\xfe", NULL};
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(module, RTLD_NOW);
        if (library == NULL) {
            fprintf(stderr, "hostile: %s\n", dlerror());
            exit(1);
        }
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            int (*call)(pam_handle_t *, int, int, const char **);
            *(void **)&call = dlsym(library, names[i]);
            printf("%s %d\n", names[i], call(NULL, 0, 0, words));
            printf("%s %d\n", names[i], call(NULL, ~0, round, words));
        }
        dlclose(library);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fputs("usage: hostile CASE SERVICE USER CODE...\n", stderr);
        return 2;
    }
    kase = argv[1];
    service = argv[2];
    user = argv[3];
    if (is("handle"))
        one_handle(argv + 4);
    else if (is("threads"))
        threads(argv + 4, argc - 4);
    else if (is("environment"))
        environment(argv + 4);
    else if (is("direct"))
        direct(argv[4]);
    else
        for (char **code = argv + 4; *code != NULL; code++)
            printf("authenticate %d\n", login(*code));
    return 0;
}
