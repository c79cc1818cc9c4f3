/* Sleeps from period to period, and plays nothing: what the wake-ups alone take. */
#include <stdlib.h>
#include <time.h>

#define RATE 48000
#define NS_PER_S 1000000000L

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    long period_ns = strtol(argv[1], NULL, 10) * NS_PER_S / RATE;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (;;) {
        due.tv_nsec += period_ns;
        due.tv_sec += due.tv_nsec / NS_PER_S;
        due.tv_nsec %= NS_PER_S;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}
