#define _GNU_SOURCE // SOCK_CLOEXEC

#include "relay_control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_all(int descriptor, void *to, size_t size) {
    uint8_t *at = (uint8_t *)to;
    while (size > 0) {
        const ssize_t count = read(descriptor, at, size);
        if (count <= 0) {
            fprintf(stderr, "the benchmark's relay has ended\n");
            exit(EXIT_FAILURE);
        }
        at += count;
        size -= (size_t)count;
    }
}

void relay_start_process(struct relay_process *process, const char *program, uint32_t count) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        perror("socketpair");
        exit(EXIT_FAILURE);
    }
    process->pid = fork();
    if (process->pid == 0) {
        char relays[16];
        snprintf(relays, sizeof relays, "%u", (unsigned)count);
        dup2(ends[1], STDIN_FILENO);
        execl(program, program, relays, (char *)NULL);
        perror(program);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    process->control = ends[0];
    process->count = count;
    process->relays = (struct bench_address *)calloc(count, sizeof *process->relays);
    if (process->pid < 0 || process->relays == NULL) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    read_all(process->control, process->relays, count * sizeof *process->relays);
    read_all(process->control, &process->drain_port, sizeof process->drain_port);
}

void relay_end_process(struct relay_process *process) {
    close(process->control);
    waitpid(process->pid, NULL, 0);
    free(process->relays);
}

uint64_t relay_ask(struct relay_process *process, const struct relay_request *request) {
    uint64_t answer = 0;
    if (write(process->control, request, sizeof *request) != (ssize_t)sizeof *request) {
        perror("the benchmark's relay");
        exit(EXIT_FAILURE);
    }
    read_all(process->control, &answer, sizeof answer);
    return answer;
}

void bench_peer_key(uint32_t number, uint8_t *key) {
    crypto_generichash(key, BENCH_KEY_SIZE, (const uint8_t *)&number, sizeof number, NULL, 0);
}
