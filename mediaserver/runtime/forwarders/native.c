/* The native forwarder: one epoll thread that takes no interpreter lock and forwards RTP on receipt.
 *
 * Contract and layout: mediaserver/media/seam.py. Python owns the sockets (it binds and closes them) and the tail of the ring;
 * this thread owns the head. Everything a packet touches is touched under `lock`, so that a row never changes in the middle of
 * a packet and a descriptor is never closed while it is in use; the lock inherits priority, and an unlock hands it over.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROW_BYTES 2048
#define SOCKADDR_BYTES 28
#define NO_PAYLOAD 255
#define NOT_PASSED 254
#define RTP_HEADER 12
#define NS_PER_TICK 125000 /* all our payload types run an 8000 Hz RTP clock */
#define AGREE_TICKS 800
#define MOST_BACKLOG_NS 10000000000 /* more, or the future: the wall clock was set */
#define EVENTS 256
#define STOP UINT64_MAX

enum verdict { PASSED, KEPT, FOREIGN, NEW_SSRC, ODD, RTCP, FIRST };
enum kind { RTP_SOCKET, RTCP_SOCKET };

typedef struct {
    uint8_t open, anchored, sends, latched;
    int32_t route;
    uint8_t remote[SOCKADDR_BYTES];
    uint32_t remote_len;
    uint8_t remote_rtcp[SOCKADDR_BYTES];
    uint32_t remote_rtcp_len;
    uint8_t source[SOCKADDR_BYTES];
    uint32_t source_len;
    uint8_t pt_out[128];
    uint32_t ssrc_in, has_ssrc_in, ssrc_out, ts_out, ts_off, ts_from;
    uint16_t seq_out, seq_off;
    uint32_t ptime_ticks, oversize;
    int64_t sent_ns, received_ns;
    uint64_t packets_received, packets_sent, octets_sent, send_errors, copies_dropped;
} fw_leg;

_Static_assert(sizeof(fw_leg) == 328, "the leg must be laid out as LEG_DTYPE says");
_Static_assert(sizeof(struct sockaddr_in6) == SOCKADDR_BYTES, "a sockaddr_in6 must fit a row of sources");

typedef struct {
    int fd[2];
    uint32_t generation;
    int bound; /* this, not the row's `open`, says whether the descriptors are ours: the row is the engine's to write */
} fw_socket;

typedef struct fw {
    uint32_t capacity, ring_rows;
    fw_leg *table;
    fw_socket *sockets;
    uint8_t *rows, *verdicts, *sources;
    int32_t *lengths, *legs;
    int64_t *arrival_ns;
    uint8_t scratch[ROW_BYTES];
    int64_t wall_ns;     /* wall less monotonic time */
    uint64_t head, tail; /* counts of rows, never wrapped; a row's place is its count & (ring_rows - 1) */
    int epoll, wake, running, failed;
    pthread_mutex_t lock;
    pthread_t thread;
} fw;

static int64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static void put16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static void put32(uint8_t *p, uint32_t v) {
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}
static void count(uint64_t *counter, uint64_t by) { __atomic_fetch_add(counter, by, __ATOMIC_RELAXED); }

/* Bytes of header and extension (RFC 3550 5.1, 5.3.1), or -1 when the datagram is shorter than it says. */
static int header_bytes(const uint8_t *d, int n) {
    int h = RTP_HEADER + 4 * (d[0] & 15);
    if (d[0] & 0x10) {
        if (n < h + 4) return -1;
        h += 4 + 4 * get16(d + h + 2);
    }
    return h <= n ? h : -1;
}

/* Family, port and address; a scope only where the expected address names one. */
static int same_address(const uint8_t *want, uint32_t want_len, const uint8_t *from) {
    uint16_t family;
    if (want_len < sizeof(struct sockaddr_in)) return 0;
    memcpy(&family, want, sizeof family);
    if (memcmp(want, from, 4)) return 0;
    if (family == AF_INET) return !memcmp(want + 4, from + 4, 4);
    if (family != AF_INET6 || want_len < SOCKADDR_BYTES || memcmp(want + 8, from + 8, 16)) return 0;
    static const uint8_t unscoped[4];
    return !memcmp(want + 24, unscoped, 4) || !memcmp(want + 24, from + 24, 4);
}

/* Whether an accepted datagram goes on as it is, now. */
static int passes(const fw *f, const fw_leg *leg, const uint8_t *d) {
    if (leg->pt_out[d[1] & 127] == NOT_PASSED || leg->route < 0 || (uint32_t)leg->route >= f->capacity) return 0;
    const fw_leg *to = &f->table[leg->route];
    return f->sockets[leg->route].bound && to->open && to->sends && to->remote_len && to->remote_len <= SOCKADDR_BYTES;
}

static enum verdict judge(const fw *f, const fw_leg *leg, const uint8_t *d, int n, const uint8_t *from, int *header) {
    if (!same_address(leg->source, leg->source_len, from)) return FOREIGN;
    if (n >= 2 && d[0] >> 6 == 2 && d[1] >= 192 && d[1] <= 223) return RTCP;
    if (n < RTP_HEADER || d[0] >> 6 != 2) return ODD;
    *header = header_bytes(d, n);
    if (*header < 0) return ODD;
    if (leg->pt_out[d[1] & 127] == NO_PAYLOAD) return ODD;
    if (!leg->has_ssrc_in) return FIRST;
    if (get32(d + 8) != leg->ssrc_in) return NEW_SSRC;
    return passes(f, leg, d) ? PASSED : KEPT;
}

/* The first packet after a break: sequence on by one, timestamp as ticks_on of the seam says. 0: its time has been filled. */
static int anchor(fw_leg *to, uint16_t seq, uint32_t ts, int64_t now) {
    uint32_t ticks = to->ptime_ticks ? to->ptime_ticks : 1;
    if (to->sent_ns > 0 && now > to->sent_ns) {
        uint64_t packets = ((uint64_t)(now - to->sent_ns) / NS_PER_TICK + ticks / 2) / ticks;
        if (packets > 1) ticks *= (uint32_t)packets;
    }
    int32_t own = (int32_t)(ts + to->ts_off - to->ts_out);
    int64_t apart = (int64_t)own - ticks;
    if (apart >= -AGREE_TICKS && apart <= AGREE_TICKS) {
        if (own <= 0) return 0;
        ticks = (uint32_t)own;
    }
    to->ts_from = to->ts_out + ticks;
    to->seq_off = (uint16_t)(to->seq_out + 1 - seq);
    to->ts_off = to->ts_from - ts;
    to->anchored = 1;
    return 1;
}

/* Send the datagram on with a new header, then put the old one back: what is kept is what came. 0: its place is taken. */
static int pass(fw *f, const fw_leg *from, uint8_t *d, int n, int header, int64_t now) {
    fw_leg *to = &f->table[from->route];
    uint8_t came[RTP_HEADER];
    memcpy(came, d, RTP_HEADER);
    uint16_t seq = get16(d + 2);
    uint32_t ts = get32(d + 4);
    uint8_t marker = d[1] & 128;
    if (!to->anchored) {
        if (!anchor(to, seq, ts, now)) return 0;
        marker = 128;
    }
    seq = (uint16_t)(seq + to->seq_off);
    ts += to->ts_off;
    int newer = (int16_t)(seq - to->seq_out) > 0;
    if (!newer && (int32_t)(ts - to->ts_from) < 0) return 0;
    d[1] = (uint8_t)(marker | (from->pt_out[came[1] & 127] & 127));
    put16(d + 2, seq);
    put32(d + 4, ts);
    put32(d + 8, to->ssrc_out);
    if (sendto(f->sockets[from->route].fd[RTP_SOCKET], d, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
               (struct sockaddr *)to->remote, to->remote_len) < 0)
        count(&to->send_errors, 1);
    else {
        count(&to->packets_sent, 1);
        count(&to->octets_sent, (uint64_t)(n - header));
    }
    memcpy(d, came, RTP_HEADER);
    if (newer) { /* a late packet does not turn the stream back */
        to->seq_out = seq;
        to->ts_out = ts;
        to->sent_ns = now;
    }
    return 1;
}

/* A datagram of the leg's stream that is never passed on leaves no hole in the sequence that its target sees. */
static void leave_out(fw *f, const fw_leg *leg, const uint8_t *d) {
    if (leg->pt_out[d[1] & 127] < NOT_PASSED || leg->route < 0 || (uint32_t)leg->route >= f->capacity) return;
    fw_leg *to = &f->table[leg->route];
    if (to->anchored && (int16_t)(get16(d + 2) + to->seq_off - to->seq_out) > 0) to->seq_off--;
}

/* Whether what was judged ODD has the leg's SSRC in a whole header: only its payload type was not negotiated. */
static int of_its_stream(const fw_leg *leg, const uint8_t *d, int n, int header) {
    return n >= RTP_HEADER && header > 0 && d[0] >> 6 == 2 && leg->has_ssrc_in && get32(d + 8) == leg->ssrc_in;
}

/* When the kernel took the datagram in (SO_TIMESTAMPNS, wall time), as monotonic time: a late reader is no late packet. */
static int64_t arrival_ns(const fw *f, struct msghdr *m, int64_t now) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec t;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        int64_t noted = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - f->wall_ns;
        if (noted <= now && now - noted < MOST_BACKLOG_NS) return noted;
    }
    return now;
}

/* One datagram of one socket; the caller holds the lock. */
static void receive_one(fw *f, uint32_t row, int kind) {
    fw_leg *leg = &f->table[row];
    uint64_t head = f->head, place = head & (f->ring_rows - 1);
    int full = head - __atomic_load_n(&f->tail, __ATOMIC_ACQUIRE) >= f->ring_rows;
    uint8_t *d = full ? f->scratch : f->rows + place * ROW_BYTES;
    struct sockaddr_in6 from;
    memset(&from, 0, sizeof from);
    union {
        struct cmsghdr aligned;
        uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
    } notes;
    struct iovec into = {d, ROW_BYTES};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &into, .msg_iovlen = 1,
                       .msg_control = &notes, .msg_controllen = sizeof notes};
    ssize_t n = recvmsg(f->sockets[row].fd[kind], &m, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) count(&leg->send_errors, 1); /* what a peer's ICMP says of our sends */
        return;
    }
    if (n > ROW_BYTES) {
        leg->oversize++;
        return;
    }
    int64_t now = now_ns();
    int header = RTP_HEADER;
    enum verdict v = kind == RTCP_SOCKET ? RTCP : judge(f, leg, d, (int)n, (uint8_t *)&from, &header);
    if (v == PASSED || v == KEPT || v == FIRST || v == NEW_SSRC) {
        leg->packets_received++;
        leg->received_ns = now;
    }
    if (v == FIRST) {
        leg->ssrc_in = get32(d + 8);
        leg->has_ssrc_in = 1;
        if (passes(f, leg, d)) {
            f->table[leg->route].anchored = 0;
            pass(f, leg, d, (int)n, header, now);
        }
    } else if (v == PASSED) {
        if (!pass(f, leg, d, (int)n, header, now)) v = KEPT;
    } else if (v == KEPT || (v == ODD && of_its_stream(leg, d, (int)n, header)))
        leave_out(f, leg, d);
    if (full) {
        leg->copies_dropped++;
        return;
    }
    f->lengths[place] = (int32_t)n;
    f->legs[place] = (int32_t)row;
    f->arrival_ns[place] = arrival_ns(f, &m, now);
    f->verdicts[place] = (uint8_t)v;
    if (v == FOREIGN || v == RTCP) memcpy(f->sources + place * SOCKADDR_BYTES, &from, SOCKADDR_BYTES);
    __atomic_store_n(&f->head, head + 1, __ATOMIC_RELEASE);
}

static uint64_t ticket(uint32_t row, int kind, uint32_t generation) {
    return (uint64_t)(generation & 0x7fffffff) << 33 | (uint64_t)row << 1 | (uint64_t)kind;
}

static void *run(void *argument) {
    fw *f = argument;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(f->epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) {
            __atomic_store_n(&f->failed, errno, __ATOMIC_RELEASE);
            return NULL;
        }
        f->wall_ns = clock_ns(CLOCK_REALTIME) - now_ns();
        for (int i = 0; i < n; i++) {
            uint64_t t = events[i].data.u64;
            if (t == STOP) return NULL;
            uint32_t row = (uint32_t)(t >> 1);
            int kind = (int)(t & 1);
            pthread_mutex_lock(&f->lock);
            /* an event fetched before its leg was closed names a generation that is gone */
            if (f->sockets[row].bound && ticket(row, kind, f->sockets[row].generation) == t) receive_one(f, row, kind);
            pthread_mutex_unlock(&f->lock);
        }
    }
}

void fw_free(fw *f) {
    if (!f) return;
    if (f->running) {
        uint64_t one = 1;
        while (write(f->wake, &one, sizeof one) < 0 && errno == EINTR) {
        }
        pthread_join(f->thread, NULL);
        pthread_mutex_destroy(&f->lock);
    }
    if (f->epoll >= 0) close(f->epoll);
    if (f->wake >= 0) close(f->wake);
    free(f->sockets);
    free(f);
}

static int start_thread(fw *f) {
    sigset_t all, before;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&f->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    sigfillset(&all); /* signals are for Python's main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&f->thread, NULL, run, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    f->running = !error;
    if (error) pthread_mutex_destroy(&f->lock);
    return error;
}

/* A forwarder with `capacity` legs and a ring of `ring_rows` (a power of two). The memory is the caller's, zeroed, and stays his:
 * it must last until fw_free returns. NULL with errno when it cannot be. */
fw *fw_new(uint32_t capacity, uint32_t ring_rows, void *table, uint8_t *rows, int32_t *lengths, int32_t *legs,
           int64_t *arrival_ns, uint8_t *verdicts, uint8_t *sources) {
    if (!capacity || !ring_rows || ring_rows & (ring_rows - 1)) {
        errno = EINVAL;
        return NULL;
    }
    fw *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->capacity = capacity;
    f->ring_rows = ring_rows;
    f->table = table;
    f->rows = rows;
    f->lengths = lengths;
    f->legs = legs;
    f->arrival_ns = arrival_ns;
    f->verdicts = verdicts;
    f->sources = sources;
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->sockets = calloc(capacity, sizeof *f->sockets);
    struct epoll_event stop = {.events = EPOLLIN, .data.u64 = STOP};
    if (f->epoll < 0 || f->wake < 0 || !f->sockets || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake, &stop) < 0 ||
        (errno = start_thread(f))) {
        int error = errno;
        fw_free(f);
        errno = error;
        return NULL;
    }
    return f;
}

uint64_t fw_head(fw *f) { return __atomic_load_n(&f->head, __ATOMIC_ACQUIRE); }
int fw_failed(fw *f) { return __atomic_load_n(&f->failed, __ATOMIC_ACQUIRE); }

/* Rows below `tail` may be overwritten. */
void fw_release(fw *f, uint64_t tail) {
    if (tail <= fw_head(f)) __atomic_store_n(&f->tail, tail, __ATOMIC_RELEASE);
}

/* Between these two no packet is looked at: fields that belong together change together. */
void fw_hold(fw *f) { pthread_mutex_lock(&f->lock); }
void fw_let_go(fw *f) { pthread_mutex_unlock(&f->lock); }

/* Take over a fresh leg's two sockets; 0 or an errno. The row is cleared as seam.py says. */
int fw_add(fw *f, uint32_t row, int rtp, int rtcp) {
    if (row >= f->capacity || f->sockets[row].bound) return EINVAL;
    pthread_mutex_lock(&f->lock);
    fw_leg *leg = &f->table[row];
    memset(leg, 0, sizeof *leg);
    memset(leg->pt_out, NO_PAYLOAD, sizeof leg->pt_out);
    leg->route = -1;
    leg->open = 1;
    fw_socket *s = &f->sockets[row];
    s->fd[RTP_SOCKET] = rtp;
    s->fd[RTCP_SOCKET] = rtcp;
    s->generation++;
    s->bound = 1;
    int error = 0;
    for (int kind = 0; kind < 2 && !error; kind++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u64 = ticket(row, kind, s->generation)};
        if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, s->fd[kind], &e) < 0) error = errno;
    }
    if (error) leg->open = 0, s->bound = 0;
    pthread_mutex_unlock(&f->lock);
    return error;
}

/* Let a leg's sockets go: after this the caller may close them. */
void fw_remove(fw *f, uint32_t row) {
    if (row >= f->capacity || !f->sockets[row].bound) return;
    pthread_mutex_lock(&f->lock);
    f->sockets[row].bound = 0;
    f->table[row].open = 0;
    f->table[row].route = -1;
    for (int kind = 0; kind < 2; kind++) epoll_ctl(f->epoll, EPOLL_CTL_DEL, f->sockets[row].fd[kind], NULL);
    pthread_mutex_unlock(&f->lock);
}

/* Send whole datagrams: row i of `rows` (`stride` bytes apart) to leg legs[i]. Runs on the engine's thread. */
void fw_send(fw *f, const uint8_t *rows, size_t stride, const int32_t *lengths, const int32_t *legs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (legs[i] < 0 || (uint32_t)legs[i] >= f->capacity) continue;
        fw_leg *to = &f->table[legs[i]];
        if (!f->sockets[legs[i]].bound || !to->remote_len || to->remote_len > SOCKADDR_BYTES || lengths[i] < RTP_HEADER ||
            (size_t)lengths[i] > stride) {
            count(&to->send_errors, 1);
            continue;
        }
        if (sendto(f->sockets[legs[i]].fd[RTP_SOCKET], rows + i * stride, (size_t)lengths[i], MSG_DONTWAIT | MSG_NOSIGNAL,
                   (struct sockaddr *)to->remote, to->remote_len) < 0)
            count(&to->send_errors, 1);
        else {
            count(&to->packets_sent, 1);
            count(&to->octets_sent, (uint64_t)(lengths[i] - RTP_HEADER));
        }
    }
}

#define AT(field) (uint32_t) offsetof(fw_leg, field)
/* Offsets in the order of LEG_DTYPE's fields, then the size; Python compares them when it imports this. */
const uint32_t fw_layout[] = {
    AT(open), AT(anchored), AT(sends), AT(latched), AT(route), AT(remote), AT(remote_len), AT(remote_rtcp), AT(remote_rtcp_len),
    AT(source), AT(source_len), AT(pt_out), AT(ssrc_in), AT(has_ssrc_in), AT(ssrc_out), AT(ts_out), AT(ts_off), AT(ts_from),
    AT(seq_out), AT(seq_off), AT(ptime_ticks), AT(oversize), AT(sent_ns), AT(received_ns), AT(packets_received), AT(packets_sent),
    AT(octets_sent), AT(send_errors), AT(copies_dropped), (uint32_t)sizeof(fw_leg)};
