/* STAND-IN, not the OSU Micro-Benchmarks: written for tests, where no package archive has them.
 *
 * One program by -DPROGRAM=LATENCY, BANDWIDTH or ALLREDUCE, with the options and the output of 7.5
 * that the library tests rely on. It moves real messages by the stack's Open MPI, times them, and
 * compares what arrives. There is no mpi.h on a stack: handles are the addresses of exported
 * objects, in versions 1.x to 5.x.
 *
 *   osu_NAME -m MIN:MAX -i ITERATIONS -x WARM_UPS [-f] [-c [-u WARM_UPS]] [-d cuda [D D]]
 *
 * With -DACCELERATED it knows -d, and its title says that messages lie on GPUs: they lie on the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATENCY 1
#define BANDWIDTH 2
#define ALLREDUCE 3
#define WINDOW 64
#ifndef ACCELERATED
#define ACCELERATED 0
#endif

typedef void *handle;
extern char ompi_mpi_comm_world[], ompi_mpi_byte[], ompi_mpi_float[], ompi_mpi_double[];
extern char ompi_mpi_op_sum[], ompi_mpi_op_min[], ompi_mpi_op_max[];
int MPI_Init(int *, char ***);
int MPI_Finalize(void);
int MPI_Comm_rank(handle, int *);
int MPI_Comm_size(handle, int *);
int MPI_Barrier(handle);
int MPI_Send(const void *, int, handle, int, int, handle);
int MPI_Recv(void *, int, handle, int, int, handle, void *);
int MPI_Isend(const void *, int, handle, int, int, handle, handle *);
int MPI_Irecv(void *, int, handle, int, int, handle, handle *);
int MPI_Waitall(int, handle *, void *);
int MPI_Allreduce(const void *, void *, int, handle, handle, handle);
double MPI_Wtime(void);

#define WORLD ((handle)ompi_mpi_comm_world)
#define BYTE ((handle)ompi_mpi_byte)

static int rank, ranks;

/* What byte `place` of message `number` is. */
static unsigned char pattern(size_t place, int number) { return (unsigned char)(place * 7 + number * 13 + 1); }

static void fill(unsigned char *buffer, size_t size, int number)
{
    for (size_t place = 0; place < size; place++)
        buffer[place] = pattern(place, number);
}

static int is_right(const unsigned char *buffer, size_t size, int number)
{
    for (size_t place = 0; place < size; place++)
        if (buffer[place] != pattern(place, number))
            return 0;
    return 1;
}

/* A message there and back; half of the time. */
static double ping_pong(unsigned char *out, unsigned char *in, int size)
{
    double start = MPI_Wtime();
    if (rank == 0) {
        MPI_Send(out, size, BYTE, 1, 1, WORLD);
        MPI_Recv(in, size, BYTE, 1, 1, WORLD, NULL);
    } else {
        MPI_Recv(in, size, BYTE, 0, 1, WORLD, NULL);
        MPI_Send(out, size, BYTE, 0, 1, WORLD);
    }
    return (MPI_Wtime() - start) / 2;
}

/* A window of messages under way, and an answer. */
static double window(unsigned char *out, unsigned char *in, int size)
{
    handle requests[WINDOW];
    char answer = 0;
    double start = MPI_Wtime();
    for (int each = 0; each < WINDOW; each++)
        if (rank == 0)
            MPI_Isend(out, size, BYTE, 1, 100, WORLD, &requests[each]);
        else
            MPI_Irecv(in, size, BYTE, 0, 100, WORLD, &requests[each]);
    MPI_Waitall(WINDOW, requests, NULL);
    if (rank == 0)
        MPI_Recv(&answer, 1, BYTE, 1, 101, WORLD, NULL);
    else
        MPI_Send(&answer, 1, BYTE, 0, 101, WORLD);
    return MPI_Wtime() - start;
}

static double sum(float *out, float *in, int size)
{
    double start = MPI_Wtime();
    MPI_Allreduce(out, in, size / (int)sizeof(float), ompi_mpi_float, ompi_mpi_op_sum, WORLD);
    return MPI_Wtime() - start;
}

/* One iteration; clears *right if something wrong arrives. */
static double iterate(void *out, void *in, int size, int number, int validate, int *right)
{
    double time;
    if (PROGRAM == ALLREDUCE) {
        float *mine = out, *all = in;
        for (int each = 0; each < size / (int)sizeof(float); each++)
            mine[each] = (float)(each % 100 + number % 10 + rank);
        time = sum(mine, all, size);
        for (int each = 0; validate && each < size / (int)sizeof(float); each++)
            if (all[each] != (float)(ranks * (each % 100 + number % 10) + ranks * (ranks - 1) / 2))
                *right = 0;
        return time;
    }
    if (validate) {
        fill(out, (size_t)size, number);
        memset(in, 0, (size_t)size);
    }
    MPI_Barrier(WORLD);
    time = PROGRAM == LATENCY ? ping_pong(out, in, size) : window(out, in, size);
    if (validate && (PROGRAM == LATENCY || rank == 1) && !is_right(in, (size_t)size, number))
        *right = 0;
    return time;
}

static double over_ranks(double value, handle operation)
{
    double all;
    MPI_Allreduce(&value, &all, 1, ompi_mpi_double, operation, WORLD);
    return all;
}

static void row(void *out, void *in, int size, int iterations, int warm_ups, int validate, int full)
{
    int right = 1;
    double total = 0;
    for (int number = -warm_ups; number < iterations; number++) {
        double time = iterate(out, in, size, number, validate, &right);
        total += number < 0 ? 0 : time;
    }
    double mean = total / iterations * 1e6;
    double low = over_ranks(mean, ompi_mpi_op_min), high = over_ranks(mean, ompi_mpi_op_max);
    double average = over_ranks(mean, ompi_mpi_op_sum) / ranks;
    int pass = over_ranks(right, ompi_mpi_op_min) == 1;
    if (rank != 0)
        return;
    printf("%-10d", size);
    if (PROGRAM == BANDWIDTH)
        printf("%18.2f", (double)size * WINDOW / mean);
    else
        printf("%18.2f", PROGRAM == LATENCY ? mean : average);
    if (PROGRAM == ALLREDUCE && full)
        printf("%18.2f%18.2f%12d", low, high, iterations);
    printf(validate ? "%18s\n" : "\n", pass ? "Pass" : "Fail");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *titles[] = {"", "Latency", "Bandwidth", "Allreduce Latency"};
    const char *device = "";
    int low = 1, high = 1, iterations = 1, warm_ups = 0, validate = 0, full = 0;
    for (int word = 1; word < argc; word++) {
        char *value = word + 1 < argc ? argv[word + 1] : "";
        if (!strcmp(argv[word], "-c"))
            validate = 1;
        else if (!strcmp(argv[word], "-f"))
            full = 1;
        else if (ACCELERATED && !strcmp(argv[word], "-d"))
            device = !strcmp(value, "cuda") ? "-CUDA" : "-ROCM";
        else if (!strcmp(argv[word], "-d")) {
            fprintf(stderr, "Invalid option [-d]\n");
            return 1;
        } else if (!strcmp(argv[word], "-i"))
            iterations = atoi(value);
        else if (!strcmp(argv[word], "-x"))
            warm_ups = atoi(value);
        else if (!strcmp(argv[word], "-m")) {
            low = atoi(value);
            high = atoi(strchr(value, ':') ? strchr(value, ':') + 1 : value);
        }
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(WORLD, &rank);
    MPI_Comm_size(WORLD, &ranks);
    if (PROGRAM == ALLREDUCE ? ranks < 2 : ranks != 2) {
        if (rank == 0)
            fprintf(stderr, "This test requires %s two processes\n",
                    PROGRAM == ALLREDUCE ? "at least" : "exactly");
        MPI_Finalize();
        return 1;
    }
    if (rank == 0) {
        printf("\n# OSU MPI%s %s Test v%s\n# Datatype: MPI_%s.\n", device, titles[PROGRAM], VERSION,
               PROGRAM == ALLREDUCE ? "FLOAT" : "CHAR");
        printf("# Size%22s", PROGRAM == BANDWIDTH ? "Bandwidth (MB/s)" : "Avg Latency(us)");
        if (PROGRAM == ALLREDUCE && full)
            printf("   Min Latency(us)   Max Latency(us)  Iterations");
        printf(validate ? "%18s\n" : "\n", "Validation");
    }
    void *out = calloc(1, (size_t)high), *in = calloc(1, (size_t)high);
    for (long size = low; size <= high; size *= 2)
        row(out, in, (int)size, iterations, warm_ups, validate, full);
    MPI_Finalize();
    free(out);
    free(in);
    return 0;
}
