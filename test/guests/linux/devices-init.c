/*
 * Process 1 of the Linux guest of the devices test: each device of the board is used through Linux's own driver, all at
 * once, one process a device. The kernel command line says what to do, as environment:
 *   udp=PORT    exchange datagrams with that port of the gateway, 10.0.2.2
 *   tcp=PORT    fetch what a connection there answers
 *   serve=PORT  echo one connection that comes to the guest
 *   rounds=N    how often disk, datagrams and connection are used (default 1)
 *   lines=N     lines printed on hvc0 besides
 *   rebind=1    afterwards takes each virtio driver off its device and puts it back, sets what a driver can set, and uses
 *               the devices once more
 *   reboot=1    ends with a reboot instead of power-off
 *   ms=N        how long input devices are listened to at least (default 300); then until `q` is typed at ttyS0
 * A process prints `NAME: ...` and, last, `NAME: ok` or what failed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/input.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <linux/rtc.h>
#include <poll.h>
#include <sound/asound.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const char *self = "init";

/* One write a line, so that lines of processes do not mix. */
static void say(const char *format, ...) {
    char line[512];
    int at = snprintf(line, sizeof line, "%s: ", self);
    va_list args;
    va_start(args, format);
    at += vsnprintf(line + at, sizeof line - at - 1, format, args);
    va_end(args);
    line[at++] = '\n';
    if (write(1, line, at) != at) _exit(2);
}

static void need(int ok, const char *what) {
    if (ok) return;
    say("FAIL %s: %s", what, strerror(errno));
    _exit(1);
}

static uint32_t fold(uint32_t sum, const void *bytes, size_t length) {
    for (const uint8_t *at = bytes; length--; at++) sum = (sum ^ *at) * 0x01000193u;
    return sum;
}

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static long time_now(void) {
    return (long)time(NULL);
}

static void use_clock(void) {
    struct rtc_time time;
    unsigned long data;
    int fd = open("/dev/rtc0", O_RDONLY);
    need(fd >= 0, "open");
    need(ioctl(fd, RTC_RD_TIME, &time) == 0, "read");
    struct tm broken = {.tm_sec = time.tm_sec, .tm_min = time.tm_min, .tm_hour = time.tm_hour,
                        .tm_mday = time.tm_mday, .tm_mon = time.tm_mon, .tm_year = time.tm_year};
    time_t seconds = timegm(&broken);
    say("%ld, and the system's clock is %ld apart", (long)seconds, labs((long)(seconds - time_now())));
    seconds += 2;
    gmtime_r(&seconds, &broken);
    struct rtc_wkalrm alarm = {.enabled = 1, .time = {.tm_sec = broken.tm_sec, .tm_min = broken.tm_min,
        .tm_hour = broken.tm_hour, .tm_mday = broken.tm_mday, .tm_mon = broken.tm_mon, .tm_year = broken.tm_year}};
    need(ioctl(fd, RTC_WKALM_SET, &alarm) == 0, "set alarm");
    long start = now_ms();
    need(read(fd, &data, sizeof data) == sizeof data, "wait for alarm");
    say("alarm 0x%lx after about %ld s", data & 0xff, (now_ms() - start + 500) / 1000);
    need((data & RTC_AF) != 0, "alarm flag");
    struct rtc_time set = {.tm_year = 99, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 59};
    need(ioctl(fd, RTC_SET_TIME, &set) == 0, "set time");
    need(ioctl(fd, RTC_RD_TIME, &time) == 0, "read again");
    need(time.tm_year == 99 || time.tm_year == 100, "time was set");
}

static void use_random(void) {
    uint8_t bytes[512];
    int fd = open("/dev/hwrng", O_RDONLY);
    need(fd >= 0, "open");
    size_t total = 0;
    uint32_t sum = 0;
    for (int i = 0; i < 8; i++) {
        ssize_t length = read(fd, bytes, sizeof bytes);
        need(length > 0, "read");
        total += length;
        sum = fold(sum, bytes, length);
    }
    need(getrandom(bytes, 16, 0) == 16, "getrandom");
    say("%zu bytes, sum %08x; getrandom %02x%02x", total, sum, bytes[0], bytes[1]);
}

/* Raw, so that bytes arrive and leave as they are. */
static int open_raw(const char *path, int flags) {
    struct termios raw;
    int fd = open(path, flags | O_NOCTTY);
    need(fd >= 0, "open");
    need(tcgetattr(fd, &raw) == 0, "tcgetattr");
    cfmakeraw(&raw);
    need(tcsetattr(fd, TCSANOW, &raw) == 0, "tcsetattr");
    return fd;
}

/* Sends back in capitals what comes, until a line `end` or the end of time. */
static void use_virtio_console(void) {
    char line[256];
    size_t length = 0, total = 0;
    int fd = open_raw("/dev/hvc0", O_RDWR);
    dprintf(fd, "hello from hvc0\n");
    for (long end = now_ms() + 3000; now_ms() < end;) {
        struct pollfd wait = {fd, POLLIN, 0};
        if (poll(&wait, 1, 100) <= 0) continue;
        ssize_t got = read(fd, line + length, sizeof line - length);
        need(got > 0, "read");
        for (ssize_t i = 0; i < got; i++, total++) {
            char letter = line[length];
            if (letter == '\n' || ++length == sizeof line) {
                if (length == 3 && memcmp(line, "end", 3) == 0) end = 0;
                for (size_t k = 0; k < length; k++) if (line[k] >= 'a' && line[k] <= 'z') line[k] -= 32;
                dprintf(fd, "%.*s\n", (int)length, line);
                memmove(line, line + length + (letter == '\n'), got - i - 1);
                length = 0;
            }
        }
    }
    need(tcdrain(fd) == 0, "drain");
    say("%zu bytes came", total);
}

static void use_input(void) {
    struct pollfd devices[4];
    int count = 0;
    for (; count < 4; count++) {
        char path[32], name[64] = "";
        uint8_t keys[96] = {0};
        struct input_absinfo axis = {0};
        snprintf(path, sizeof path, "/dev/input/event%d", count);
        int fd = open(path, O_RDWR | O_NONBLOCK);
        if (fd < 0) break;
        devices[count] = (struct pollfd){fd, POLLIN, 0};
        need(ioctl(fd, EVIOCGNAME(sizeof name), name) > 0, "name");
        need(ioctl(fd, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0, "keys");
        int known = 0;
        for (size_t i = 0; i < sizeof keys; i++) known += __builtin_popcount(keys[i]);
        ioctl(fd, EVIOCGABS(ABS_X), &axis);
        say("%s has %d keys, and x up to %d", name, known, axis.maximum);
        /* The keyboard's: Linux sends LED changes to the device. */
        struct input_event led = {.type = EV_LED, .code = LED_CAPSL, .value = 1};
        if (count == 0) need(write(fd, &led, sizeof led) == sizeof led, "LED");
    }
    need(count > 0, "no device");
    int serial = open_raw("/dev/ttyS0", O_RDONLY | O_NONBLOCK), events = 0, syncs = 0, quit = 0;
    uint32_t sum = 0;
    devices[count] = (struct pollfd){serial, POLLIN, 0};
    for (long end = now_ms() + number("ms", 300); !quit || now_ms() < end;) {
        if (poll(devices, count + 1, 50) <= 0) continue;
        struct input_event event;
        for (int i = 0; i < count; i++) {
            while (read(devices[i].fd, &event, sizeof event) == sizeof event) {
                events++;
                syncs += event.type == EV_SYN;
                sum = fold(sum, &event.type, 8);
            }
        }
        for (char byte; read(serial, &byte, 1) == 1;) quit |= byte == 'q';
    }
    say("%d events, %d of them reports, sum %08x", events, syncs, sum);
}

static struct snd_interval *interval(struct snd_pcm_hw_params *params, int kind) {
    return &params->intervals[kind - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
}

static void fix(struct snd_pcm_hw_params *params, int kind, unsigned value) {
    *interval(params, kind) = (struct snd_interval){.min = value, .max = value, .integer = 1};
}

static void only(struct snd_pcm_hw_params *params, int kind, unsigned bit) {
    struct snd_mask *mask = &params->masks[kind - SNDRV_PCM_HW_PARAM_FIRST_MASK];
    memset(mask, 0, sizeof *mask);
    mask->bits[bit / 32] |= 1u << bit % 32;
}

static int open_sound(const char *path, unsigned rate, unsigned channels, unsigned period) {
    struct snd_pcm_hw_params params = {.rmask = ~0u, .info = ~0u};
    int fd = open(path, O_RDWR);
    need(fd >= 0, "open");
    memset(params.masks, 0xff, sizeof params.masks);
    for (unsigned i = 0; i < sizeof params.intervals / sizeof *params.intervals; i++)
        params.intervals[i].max = ~0u;
    need(ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &params) == 0, "refine");
    struct snd_interval *rates = interval(&params, SNDRV_PCM_HW_PARAM_RATE);
    say("%u to %u Hz, %u to %u channels", rates->min, rates->max,
        interval(&params, SNDRV_PCM_HW_PARAM_CHANNELS)->min, interval(&params, SNDRV_PCM_HW_PARAM_CHANNELS)->max);
    only(&params, SNDRV_PCM_HW_PARAM_ACCESS, SNDRV_PCM_ACCESS_RW_INTERLEAVED);
    only(&params, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
    only(&params, SNDRV_PCM_HW_PARAM_SUBFORMAT, SNDRV_PCM_SUBFORMAT_STD);
    fix(&params, SNDRV_PCM_HW_PARAM_RATE, rate);
    fix(&params, SNDRV_PCM_HW_PARAM_CHANNELS, channels);
    fix(&params, SNDRV_PCM_HW_PARAM_PERIOD_SIZE, period);
    fix(&params, SNDRV_PCM_HW_PARAM_PERIODS, 4);
    params.rmask = ~0u;
    need(ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, &params) == 0, "hardware parameters");
    struct snd_pcm_sw_params soft = {.period_step = 1, .avail_min = period, .start_threshold = 1,
        .stop_threshold = 4 * period, .boundary = 4ul * period << 20};
    need(ioctl(fd, SNDRV_PCM_IOCTL_SW_PARAMS, &soft) == 0, "software parameters");
    need(ioctl(fd, SNDRV_PCM_IOCTL_PREPARE) == 0, "prepare");
    return fd;
}

#define PERIOD 480
static int16_t samples[2 * PERIOD];

static void use_playback(void) {
    for (int part = 0; part < 2; part++) {
        unsigned channels = part == 0 ? 2 : 1, rate = part == 0 ? 48000 : 8000;
        int fd = open_sound("/dev/snd/pcmC0D0p", rate, channels, PERIOD);
        for (int i = 0; i < 25; i++) {
            for (int k = 0; k < PERIOD; k++) {
                int16_t sample = (int16_t)(((i * PERIOD + k) * 150 & 0x7fff) - 0x4000);
                for (unsigned c = 0; c < channels; c++) samples[channels * k + c] = c ? -sample : sample;
            }
            struct snd_xferi frames = {.buf = samples, .frames = PERIOD};
            int result = ioctl(fd, SNDRV_PCM_IOCTL_WRITEI_FRAMES, &frames);
            if (result != 0 && errno == EPIPE) {
                say("underrun");
                need(ioctl(fd, SNDRV_PCM_IOCTL_PREPARE) == 0, "prepare again");
                i--;
                continue;
            }
            need(result == 0 && frames.result == PERIOD, "write");
        }
        /* The second one is cut off. */
        if (part == 0) need(ioctl(fd, SNDRV_PCM_IOCTL_DRAIN) == 0, "drain");
        else need(ioctl(fd, SNDRV_PCM_IOCTL_DROP) == 0, "drop");
        close(fd);
        say("%u Hz, %u channels played", rate, channels);
    }
}

static void use_capture(void) {
    int fd = open_sound("/dev/snd/pcmC0D0c", 44100, 2, PERIOD);
    uint32_t sum = 0;
    int overruns = 0;
    for (int i = 0; i < 20; i++) {
        struct snd_xferi frames = {.buf = samples, .frames = PERIOD};
        int result = ioctl(fd, SNDRV_PCM_IOCTL_READI_FRAMES, &frames);
        if (result != 0 && errno == EPIPE) {
            overruns++;
            need(ioctl(fd, SNDRV_PCM_IOCTL_PREPARE) == 0, "prepare again");
            continue;
        }
        need(result == 0 && frames.result > 0, "read");
        sum = fold(sum, samples, frames.result * 4);
    }
    close(fd);
    say("44100 Hz, sum %08x, %d overruns", sum, overruns);
}

static void use_disk(void) {
    static uint8_t block[65536], again[65536];
    need(mkdir("/mnt", 0700) == 0 && mount("/dev/vda", "/mnt", "ext2", 0, NULL) == 0, "mount");
    uint32_t sum = 0;
    for (int i = 0, count = 12 * number("rounds", 1); i < count; i++) {
        char path[32];
        for (size_t k = 0; k < sizeof block; k++) block[k] = (uint8_t)(k * 7 + i * 31 + (k >> 8));
        snprintf(path, sizeof path, "/mnt/file%d", i % 6);
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        need(fd >= 0, "create");
        for (int part = 0; part < 4; part++) need(write(fd, block, sizeof block) == sizeof block, "write");
        need(fsync(fd) == 0, "fsync");
        need(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, "fadvise");
        for (int part = 3; part >= 0; part--) {
            need(pread(fd, again, sizeof again, part * sizeof again) == sizeof again, "read");
            need(memcmp(block, again, sizeof block) == 0, "what is read is what was written");
        }
        sum = fold(sum, again, sizeof again);
        close(fd);
        if (i % 3 == 2) need(unlink(path) == 0, "unlink");
    }
    need(umount("/mnt") == 0, "umount");
    int fd = open("/dev/vda", O_RDONLY | O_DIRECT);
    need(fd >= 0, "open /dev/vda");
    uint8_t *aligned = block;
    while ((uintptr_t)aligned & 4095) aligned++;
    uint32_t whole = 0;
    for (off_t at = 0; at < (1 << 20); at += 32768) {
        need(pread(fd, aligned, 32768, at) == 32768, "direct read");
        whole = fold(whole, aligned, 32768);
    }
    say("sum %08x", sum);
}

static void use_udp(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(number("udp", 0)),
        .sin_addr.s_addr = htonl(0x0a000202)};
    static uint8_t sent[4000], got[4000];
    int fd = socket(AF_INET, SOCK_DGRAM, 0), right = 0;
    struct timeval patience = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    need(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    int count = 40 * number("rounds", 1);
    for (int i = 0; i < count; i++) {
        /* Some are longer than a frame. */
        size_t length = 1 + i % 40 * 97;
        for (size_t k = 0; k < length; k++) sent[k] = (uint8_t)(k * 3 + i);
        need(send(fd, sent, length, 0) == (ssize_t)length, "send");
        right += recv(fd, got, sizeof got, 0) == (ssize_t)length && memcmp(sent, got, length) == 0;
    }
    say("%d of %d came back", right, count);
    need(right == count, "every datagram comes back");
}

static void use_tcp(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(number("tcp", 0)),
        .sin_addr.s_addr = htonl(0x0a000202)};
    uint8_t part[4096];
    size_t total = 0;
    uint32_t sum = 0;
    for (int round = 0, rounds = number("rounds", 1); round < rounds; round++) {
        /* A port of our own choice: to choose one, the kernel draws 256 KiB of random numbers without giving way. */
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(40000 + round)};
        ssize_t length;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        need(bind(fd, (struct sockaddr *)&from, sizeof from) == 0, "bind");
        need(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
        need(send(fd, "please\n", 7, 0) == 7, "send");
        shutdown(fd, SHUT_WR);
        while ((length = recv(fd, part, sizeof part, 0)) > 0) {
            total += length;
            sum = fold(sum, part, length);
        }
        need(length == 0, "receive");
        close(fd);
    }
    say("%zu bytes, sum %08x", total, sum);
}

static void serve_tcp(void) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(number("serve", 0))};
    uint8_t part[4096];
    size_t total = 0;
    ssize_t length;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, (struct sockaddr *)&own, sizeof own) == 0 && listen(listener, 1) == 0, "listen");
    say("listening");
    int fd = accept(listener, NULL, NULL);
    need(fd >= 0, "accept");
    while ((length = recv(fd, part, sizeof part, 0)) > 0) {
        need(send(fd, part, length, 0) == length, "send");
        total += length;
    }
    need(length == 0, "receive");
    close(fd);
    say("%zu bytes echoed", total);
}

static void print_lines(void) {
    int fd = open_raw("/dev/hvc0", O_WRONLY);
    for (int i = 0, lines = number("lines", 0); i < lines; i++) dprintf(fd, "line %d of what a guest has to say\n", i);
}

static void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    int ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (!ok) say("%s: cannot write %s: %s", path, text, strerror(errno));
    need(ok, "write to sysfs");
    close(fd);
}

static void rebind_all(void) {
    for (int number = 0; number < 8; number++) {
        char link[64], driver[128] = "", path[160], name[16];
        snprintf(name, sizeof name, "virtio%d", number);
        snprintf(link, sizeof link, "/sys/bus/virtio/devices/%s/driver", name);
        if (readlink(link, driver, sizeof driver - 1) < 0) continue;
        const char *last = strrchr(driver, '/') + 1;
        snprintf(path, sizeof path, "/sys/bus/virtio/drivers/%s/unbind", last);
        write_text(path, name);
        snprintf(path, sizeof path, "/sys/bus/virtio/drivers/%s/bind", last);
        write_text(path, name);
        say("%s has its driver %s again", name, last);
    }
}

/* What a driver says on the control queue of the network: address, filters, promiscuous mode. */
static void set_up_network(void) {
    static const uint8_t card[6] = {0x52, 0x54, 0, 0xab, 0xcd, 0xef};
    struct ifreq request = {.ifr_name = "eth0"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, card, sizeof card);
    need(ioctl(fd, SIOCSIFHWADDR, &request) == 0, "set the card's address");
    for (int round = 0; round < 2; round++) {
        request.ifr_flags = IFF_UP | IFF_RUNNING | (round == 0 ? IFF_PROMISC | IFF_ALLMULTI : 0);
        need(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "up");
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a00020f)};
        memcpy(&request.ifr_addr, &address, sizeof address);
        need(ioctl(fd, SIOCSIFADDR, &request) == 0, "set the address");
        address.sin_addr.s_addr = htonl(0xffffff00);
        memcpy(&request.ifr_netmask, &address, sizeof address);
        need(ioctl(fd, SIOCSIFNETMASK, &request) == 0, "set the mask");
        for (int group = 1; group < 6; group++) {
            struct ip_mreqn member = {.imr_multiaddr.s_addr = htonl(0xe0000100 + group),
                .imr_address.s_addr = htonl(0x0a00020f)};
            need(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member) == 0 || round == 1, "join");
        }
        request.ifr_flags = 0;
        if (round == 0) need(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "down");
    }
    use_udp();
}

static void use_disk_controls(void) {
    static uint8_t block[8192];
    char serial[32] = "?";
    int fd = open("/sys/block/vda/serial", O_RDONLY);
    need(fd >= 0 && read(fd, serial, sizeof serial) >= 0, "serial number");
    write_text("/sys/block/vda/cache_type", "write through");
    write_text("/sys/block/vda/cache_type", "write back");
    fd = open("/dev/vda", O_RDWR);
    uint64_t range[2] = {1 << 20, 65536};
    memset(block, 0x5a, sizeof block);
    for (uint64_t at = 0; at < range[1]; at += sizeof block)
        need(pwrite(fd, block, sizeof block, range[0] + at) == sizeof block, "write");
    need(fsync(fd) == 0, "flush");
    need(ioctl(fd, BLKDISCARD, range) == 0, "discard");
    need(ioctl(fd, BLKZEROOUT, range) == 0, "zero");
    need(ioctl(fd, BLKFLSBUF) == 0, "forget what is cached");
    need(pread(fd, block, sizeof block, range[0] + 4096) == sizeof block, "read");
    for (size_t i = 0; i < sizeof block; i++) need(block[i] == 0, "zeros");
    say("zeros where they were asked for");
}

static int children;

static void start(const char *name, void (*work)(void)) {
    if (fork() != 0) {
        children++;
        return;
    }
    self = name;
    work();
    say("ok");
    _exit(0);
}

/* How many of them failed, when all have ended. */
static int failures(void) {
    int failed = 0;
    for (; children > 0; children--) {
        int status;
        wait(&status);
        failed += status != 0;
    }
    return failed;
}

static int have(const char *path) {
    return access(path, F_OK) == 0;
}

int main(void) {
    need(mount("proc", "/proc", "proc", 0, NULL) == 0, "mount proc");
    need(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "mount sysfs");
    need(mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) == 0, "mount devtmpfs");
    say("%d harts", get_nprocs());
    if (have("/dev/rtc0")) start("rtc", use_clock);
    if (have("/dev/hwrng")) start("random", use_random);
    if (have("/dev/hvc0")) start("hvc0", use_virtio_console);
    if (getenv("lines")) start("lines", print_lines);
    if (have("/dev/input/event0")) start("input", use_input);
    if (have("/dev/snd/pcmC0D0p")) start("playback", use_playback);
    if (have("/dev/snd/pcmC0D0c")) start("capture", use_capture);
    if (have("/dev/vda")) start("disk", use_disk);
    if (getenv("udp")) start("udp", use_udp);
    if (getenv("tcp")) start("tcp", use_tcp);
    if (getenv("serve")) start("serve", serve_tcp);
    int failed = failures();
    if (getenv("rebind")) {
        rebind_all();
        if (have("/dev/hwrng")) start("random again", use_random);
        if (have("/dev/snd/pcmC0D0p")) start("playback again", use_playback);
        if (have("/dev/snd/pcmC0D0c")) start("capture again", use_capture);
        if (have("/dev/hvc0")) start("hvc0 again", use_virtio_console);
        if (have("/dev/input/event0")) start("input again", use_input);
        if (getenv("udp")) start("network again", set_up_network);
        if (have("/dev/vda")) start("disk controls", use_disk_controls);
        failed += failures();
    }
    FILE *interrupts = fopen("/proc/interrupts", "r");
    for (char line[160]; interrupts && fgets(line, sizeof line, interrupts);) {
        line[strcspn(line, "\n")] = 0;
        say("%s", line);
    }
    say("%d failed", failed);
    sync();
    reboot(getenv("reboot") ? RB_AUTOBOOT : RB_POWER_OFF);
    for (;;) pause();
}
