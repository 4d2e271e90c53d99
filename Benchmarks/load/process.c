#define _GNU_SOURCE
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PROCESSES = 64 };
static int processes[MAX_PROCESSES];
static int process_count;

static int parent_of(int pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return -1;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    // The name in parentheses may hold anything.
    const char *end = strrchr(text, ')');
    int parent = -1;
    if (end) sscanf(end + 1, " %*c %d", &parent);
    return parent;
}

static bool is_known(int pid) {
    for (int i = 0; i < process_count; i++)
        if (processes[i] == pid) return true;
    return false;
}

void process_find(int pid) {
    if (pid == 0) return;
    processes[process_count++] = pid;
    for (bool found = true; found;) {
        found = false;
        DIR *folder = opendir("/proc");
        if (!folder) return;
        for (struct dirent *entry; (entry = readdir(folder)) && process_count < MAX_PROCESSES;) {
            int other = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
            if (other == 0 || is_known(other) || !is_known(parent_of(other))) continue;
            processes[process_count++] = other;
            found = true;
        }
        closedir(folder);
    }
}

/// The first two numbers of a file, zeros if it is gone.
static void read_numbers(const char *path, int64_t out[2]) {
    out[0] = out[1] = 0;
    FILE *file = fopen(path, "r");
    if (!file) return;
    if (fscanf(file, "%" SCNd64 " %" SCNd64, &out[0], &out[1]) != 2) out[0] = out[1] = 0;
    fclose(file);
}

int64_t process_cpu(void) {
    int64_t sum = 0;
    for (int i = 0; i < process_count; i++) {
        char path[320];
        snprintf(path, sizeof path, "/proc/%d/task", processes[i]);
        DIR *folder = opendir(path);
        if (!folder) continue;
        for (struct dirent *entry; (entry = readdir(folder));) {
            if (!isdigit((unsigned char)entry->d_name[0])) continue;
            snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", processes[i], entry->d_name);
            int64_t numbers[2];
            read_numbers(path, numbers);
            sum += numbers[0];
        }
        closedir(folder);
    }
    return sum;
}

static int only_core(int pid) {
    cpu_set_t cores;
    if (sched_getaffinity(pid, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) != 1) return -1;
    int core = 0;
    while (!CPU_ISSET(core, &cores)) core++;
    return core;
}

int64_t process_core_busy(int pid) {
    int core = only_core(pid);
    FILE *file = core < 0 ? NULL : fopen("/proc/stat", "r");
    if (!file) return 0;
    char line[512], name[16];
    snprintf(name, sizeof name, "cpu%d ", core);
    int64_t ticks = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) != 0) continue;
        int64_t user, nice, system, idle, io, irq, softirq, steal;
        int count = sscanf(
            line + strlen(name),
            "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &user,
            &nice, &system, &idle, &io, &irq, &softirq, &steal);
        if (count == 8) ticks = user + nice + system + irq + softirq + steal;
    }
    fclose(file);
    return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

int64_t process_memory(void) {
    int64_t sum = 0;
    for (int i = 0; i < process_count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/statm", processes[i]);
        int64_t pages[2];
        read_numbers(path, pages);
        sum += pages[1] * sysconf(_SC_PAGESIZE);
    }
    return sum;
}
