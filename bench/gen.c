/* Load and meter: every leg sends a 172-byte PCMU packet each 20 ms, evenly staggered, and times what comes back.
 *
 * usage: gen WARM_S MEASURE_S < legs, where each line is "phone_port server_port". Loopback only.
 * Prints "begin" and "end" around the measured window (its reader samples the server's CPU there), then one line of JSON.
 * The sending time lies in the payload; the arrival time is the kernel's, so that the meter's own delay is not counted.
 * `late` is how far behind its own clock the generator sent: a p99 above a millisecond means the machine was too busy.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define MOST 8192
#define FRAME 160
#define PERIOD_NS 20000000LL
#define MAGIC 0x5ca1ab1eu

typedef int64_t ns;
static int sockets[MOST], count, epoll;
static struct sockaddr_in servers[MOST];
static uint32_t *latency_us, *late_us;
static size_t latencies, lates, room;
static uint64_t sent, answered, any;
static ns window_start, window_end;

static ns clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (ns)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double at(const uint32_t *sorted, size_t n, double part) {
    return n ? sorted[(size_t)((double)(n - 1) * part)] / 1000.0 : 0.0;
}

static void note(uint32_t *list, size_t *n, ns value) {
    if (*n < room) list[(*n)++] = value < 0 ? 0 : (uint32_t)(value / 1000);
}

/* Take what has come; wait at most so long for the first, without spinning. */
static void receive(ns wait) {
    struct epoll_event events[256];
    if (wait > 0) {
        struct pollfd ready = {.fd = epoll, .events = POLLIN};
        struct timespec longest = {wait / 1000000000, wait % 1000000000};
        if (ppoll(&ready, 1, &longest, NULL) <= 0) return;
    }
    int n = epoll_wait(epoll, events, 256, 0);
    for (int i = 0; i < n; i++) {
        unsigned char d[2048];
        char control[128];
        struct iovec part = {d, sizeof d};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(sockets[events[i].data.u32], &m, MSG_DONTWAIT);
        if (got < 12 + FRAME) continue;
        struct timespec arrived = {0, 0};
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if (c->cmsg_type == SCM_TIMESTAMPNS) memcpy(&arrived, CMSG_DATA(c), sizeof arrived);
        ns when = (ns)arrived.tv_sec * 1000000000 + arrived.tv_nsec, stamp;
        uint32_t magic;
        memcpy(&magic, d + 12, 4);
        memcpy(&stamp, d + 16, 8);
        if (when >= window_start && when < window_end) any++;
        if (magic != MAGIC || stamp < window_start || stamp >= window_end) continue;
        answered++;
        note(latency_us, &latencies, when - stamp);
    }
}

static void send_one(int leg, uint32_t frame, ns due) {
    unsigned char d[12 + FRAME];
    uint32_t ts = frame * FRAME, ssrc = 0x10000u + (uint32_t)leg, magic = MAGIC;
    ns now = clock_ns(CLOCK_REALTIME);
    memset(d, 0xd5, sizeof d);
    /* a quiet noise, so that silence suppression and tone detection have honest work */
    for (int i = 24; i < 12 + FRAME; i++) d[i] = (unsigned char)(0xf0 | ((frame * 31 + (uint32_t)i * 7 + (uint32_t)leg) & 15));
    d[0] = 0x80;
    d[1] = 0;
    d[2] = (unsigned char)(frame >> 8);
    d[3] = (unsigned char)frame;
    for (int i = 0; i < 4; i++) {
        d[4 + i] = (unsigned char)(ts >> (24 - 8 * i));
        d[8 + i] = (unsigned char)(ssrc >> (24 - 8 * i));
    }
    memcpy(d + 12, &magic, 4);
    memcpy(d + 16, &now, 8);
    if (sendto(sockets[leg], d, sizeof d, 0, (struct sockaddr *)&servers[leg], sizeof servers[leg]) < 0) return;
    if (now >= window_start && now < window_end) {
        sent++;
        note(late_us, &lates, clock_ns(CLOCK_MONOTONIC) - due);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    double warm_s = atof(argv[1]), measure_s = atof(argv[2]);
    int phone, server;
    epoll = epoll_create1(0);
    while (count < MOST && scanf("%d %d", &phone, &server) == 2) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)phone)};
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int on = 1;
        sockets[count] = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(sockets[count], (struct sockaddr *)&a, sizeof a)) return perror("bind"), 1;
        setsockopt(sockets[count], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        a.sin_port = htons((unsigned short)server);
        servers[count] = a;
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = (unsigned)count};
        epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[count], &e);
        count++;
    }
    room = (size_t)((measure_s + 1) * 50 * count) + 1000;
    latency_us = malloc(room * sizeof *latency_us);
    late_us = malloc(room * sizeof *late_us);
    ns start = clock_ns(CLOCK_MONOTONIC) + 10000000;
    ns skew = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
    ns first = start + (ns)(warm_s * 1e9), last = first + (ns)(measure_s * 1e9);
    window_start = first + skew;
    window_end = last + skew;
    int said = 0;
    ns end = last + 400000000;
    for (uint32_t frame = 0;; frame++) {
        for (int leg = 0; leg < count; leg++) {
            ns due = start + frame * PERIOD_NS + PERIOD_NS * leg / count, now;
            while ((now = clock_ns(CLOCK_MONOTONIC)) < due) receive(due - now);
            if (!said && now >= first) said = puts("begin"), fflush(stdout), said = 1;
            if (said == 1 && now >= last) said = puts("end"), fflush(stdout), said = 2;
            if (now >= last) goto over;
            send_one(leg, frame, due);
            if (leg % 8 == 7) receive(0);
        }
    }
over:
    while (clock_ns(CLOCK_MONOTONIC) < end) receive(1000000);
    qsort(latency_us, latencies, sizeof *latency_us, by_size);
    qsort(late_us, lates, sizeof *late_us, by_size);
    printf("{\"legs\": %d, \"sent\": %llu, \"answered\": %llu, \"received\": %llu, \"latency_p50_ms\": %.4f, \"latency_p99_ms\": %.4f, "
           "\"latency_max_ms\": %.4f, \"late_p50_ms\": %.4f, \"late_p99_ms\": %.4f}\n",
           count, (unsigned long long)sent, (unsigned long long)answered, (unsigned long long)any, at(latency_us, latencies, 0.5),
           at(latency_us, latencies, 0.99), at(latency_us, latencies, 1.0), at(late_us, lates, 0.5), at(late_us, lates, 0.99));
    return 0;
}
