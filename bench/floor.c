/* The floor: what relaying costs in plain C with a socket a leg. No Python, no RTP: packets of leg i go to the phone of leg i ^ 1.
 *
 * usage: floor FOLDER < legs, where each line is "server_port phone_port". Payloads are kept and written once a second a call.
 * Prints "ready" when it listens. Loopback only; ends when its standard input's pipe group kills it (SIGTERM).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 8192
#define FRAME 160
#define KEPT (50 * FRAME)

static int sockets[MOST], files[MOST], count;
static struct sockaddr_in phones[MOST];
static unsigned char *kept[MOST];
static int filled[MOST];

static struct sockaddr_in local(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void keep(int leg, const unsigned char *payload) {
    memcpy(kept[leg] + filled[leg], payload, FRAME);
    filled[leg] += FRAME;
    if (filled[leg] < KEPT) return;
    filled[leg] = 0;
    if (write(files[leg], kept[leg], KEPT) != KEPT) perror("write");
}

int main(int argc, char **argv) {
    int port, phone, epoll = epoll_create1(0);
    char path[4096];
    if (argc != 2) return 2;
    while (count < MOST && scanf("%d %d", &port, &phone) == 2) {
        struct sockaddr_in a = local(port);
        sockets[count] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (bind(sockets[count], (struct sockaddr *)&a, sizeof a)) return perror("bind"), 1;
        phones[count] = local(phone);
        kept[count] = malloc(KEPT);
        snprintf(path, sizeof path, "%s/%d.ulaw", argv[1], count);
        files[count] = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = (unsigned)count};
        epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[count], &e);
        count++;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int leg = (int)events[i].data.u32, peer = leg ^ 1;
            unsigned char d[2048];
            struct sockaddr_in from;
            socklen_t length = sizeof from;
            ssize_t got = recvfrom(sockets[leg], d, sizeof d, 0, (struct sockaddr *)&from, &length);
            if (got < 12 + FRAME || peer >= count) continue;
            sendto(sockets[peer], d, (size_t)got, 0, (struct sockaddr *)&phones[peer], sizeof phones[peer]);
            keep(leg, d + 12);
        }
    }
}
