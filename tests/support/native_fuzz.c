/* Throws random datagrams, tables and calls at the native forwarder, on loopback, for a bounded count: run under sanitizers.
 *
 * usage: native_fuzz SEED COUNT. Prints how many datagrams came out by verdict; exits 1 when something does not add up.
 */
#include "../../mediaserver/runtime/forwarders/native.c"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>

#define LEGS 6
#define RING 64

static uint64_t state;
static uint32_t any(uint32_t below) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717ULL) >> 33) % below;
}

static int bound(struct sockaddr_in *address) {
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) || bind(fd, (struct sockaddr *)address, length) || getsockname(fd, (struct sockaddr *)address, &length)) exit(2);
    return fd;
}

static struct sockaddr_in phone_address, sink_address, leg_address[LEGS][2];
static int phone, sink, leg_fd[LEGS][2], is_open[LEGS];

/* Only ever an address of this process: the loopback host with one of its own ports, or no address at all. */
static void random_address(uint8_t *raw, uint32_t *length) {
    memset(raw, 0, SOCKADDR_BYTES);
    memcpy(raw, any(2) ? &phone_address : &sink_address, sizeof phone_address);
    if (!any(12)) raw[0] = (uint8_t)(any(2) ? AF_INET6 : 200 + any(50)); /* a family that does not fit */
    *length = any(8) ? 16 : (any(2) ? 28 : any(100));
}

static void change_row(fw *f) {
    fw_leg *leg = &f->table[any(LEGS)];
    fw_hold(f);
    leg->route = (int32_t)any(LEGS + 4) - 2;
    if (!any(20)) leg->route = any(2) ? INT32_MAX : INT32_MIN;
    leg->sends = (uint8_t)(any(5) > 0);
    leg->anchored = (uint8_t)any(2);
    random_address(leg->remote, &leg->remote_len);
    random_address(leg->source, &leg->source_len);
    for (int i = 0; i < 128; i++) leg->pt_out[i] = (uint8_t)(any(4) ? any(128) : 250 + any(6));
    leg->ssrc_in = 7;
    leg->has_ssrc_in = any(8) > 0;
    leg->seq_out = (uint16_t)any(65536);
    leg->ts_out = any(1u << 31);
    leg->ptime_ticks = any(500);
    leg->sent_ns = any(3) ? now_ns() - (int64_t)any(1u << 31) * 100 : (int64_t)any(2) - 1;
    fw_let_go(f);
}

static void open_or_close(fw *f, uint32_t row) {
    if (is_open[row]) {
        fw_remove(f, row);
        close(leg_fd[row][0]);
        close(leg_fd[row][1]);
    } else {
        for (int kind = 0; kind < 2; kind++) leg_fd[row][kind] = bound(&leg_address[row][kind]);
        if (fw_add(f, row, leg_fd[row][0], leg_fd[row][1])) exit(3);
        if (fw_add(f, row, leg_fd[row][0], leg_fd[row][1]) != EINVAL) exit(4);
    }
    is_open[row] = !is_open[row];
}

static void throw_one(void) {
    uint8_t d[2300];
    uint32_t length = any(4) ? any(300) : any(sizeof d), row = any(LEGS);
    for (uint32_t i = 0; i < length; i++) d[i] = (uint8_t)any(256);
    if (length >= 12 && any(4)) {
        d[0] = any(3) ? 0x80 : (uint8_t)(0x80 | any(64));
        memcpy(d + 8, "\0\0\0\7", 4);
    }
    if (is_open[row])
        sendto(any(5) ? phone : sink, d, length, 0, (struct sockaddr *)&leg_address[row][!any(10)], sizeof phone_address);
}

static void send_bulk(fw *f) {
    uint8_t rows[4 * 64];
    int32_t lengths[4], legs[4];
    memset(rows, 0x80, sizeof rows);
    for (int i = 0; i < 4; i++) {
        lengths[i] = (int32_t)any(90) - 10;
        legs[i] = (int32_t)any(LEGS + 4) - 2;
    }
    fw_send(f, rows, 64, lengths, legs, any(5));
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    state = strtoull(argv[1], NULL, 10) * 2 + 1;
    long turns = strtol(argv[2], NULL, 10);
    uint64_t by_verdict[7] = {0}, seen = 0;
    fw_leg *table = calloc(LEGS, sizeof *table);
    uint8_t *rows = calloc(RING, ROW_BYTES), *verdicts = calloc(RING, 1), *sources = calloc(RING, SOCKADDR_BYTES);
    int32_t *lengths = calloc(RING, 4), *legs = calloc(RING, 4);
    int64_t *arrival = calloc(RING, 8);
    if (fw_new(LEGS, 63, table, rows, lengths, legs, arrival, verdicts, sources) || errno != EINVAL) return 3;
    fw *f = fw_new(LEGS, RING, table, rows, lengths, legs, arrival, verdicts, sources);
    if (!f) return 3;
    phone = bound(&phone_address);
    sink = bound(&sink_address);
    fw_remove(f, LEGS);
    if (fw_add(f, LEGS, 0, 0) != EINVAL) return 4;
    for (long turn = 0; turn < turns; turn++) {
        if (turn < LEGS || !any(200)) open_or_close(f, turn < LEGS ? (uint32_t)turn : any(LEGS));
        if (!any(4)) change_row(f);
        if (!any(4)) send_bulk(f);
        throw_one();
        if (!any(16)) sched_yield();
        uint8_t rest[4096];
        while (recv(phone, rest, sizeof rest, 0) >= 0 || recv(sink, rest, sizeof rest, 0) >= 0) {
        }
        uint64_t head = fw_head(f);
        if (head - seen > RING) return 5;
        if (any(24) && head - seen < RING / 2) continue; /* sometimes late enough for a full ring */
        for (; seen < head; seen++) {
            uint64_t place = seen % RING;
            if (lengths[place] < 0 || lengths[place] > ROW_BYTES || legs[place] < 0 || legs[place] >= LEGS || verdicts[place] > FIRST)
                return 6;
            by_verdict[verdicts[place]]++;
        }
        fw_release(f, head + 1); /* past the head: must be refused */
        fw_release(f, head);
    }
    if (fw_failed(f)) return 7;
    fw_free(f);
    printf("%llu %llu %llu %llu %llu %llu %llu\n", (unsigned long long)by_verdict[0], (unsigned long long)by_verdict[1],
           (unsigned long long)by_verdict[2], (unsigned long long)by_verdict[3], (unsigned long long)by_verdict[4],
           (unsigned long long)by_verdict[5], (unsigned long long)by_verdict[6]);
    free(table), free(rows), free(verdicts), free(sources), free(lengths), free(legs), free(arrival);
    return 0;
}
