/* STAND-IN, not FlexiBLAS: written for tests, where no distribution offers the real library.
 *
 * It has the functions of FlexiBLAS' interface that the library test calls, and passes the BLAS
 * and LAPACK routines that the test calls on to a backend, which it loads when it is loaded. Like
 * FlexiBLAS 3 it takes a reference implementation where that fails, and only says so on standard
 * error.
 *
 * BACKEND and NAME: file and name of the backend, '' a mislabelled reference implementation;
 * REFERENCE_BLAS, REFERENCE_LAPACK: files of the fallback; MAJOR, MINOR, PATCH: version; THREADS: what it claims to use (0: asks the backend);
 * ERROR: relative error of the eigenvalues.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name = NAME;
static void *blas, *lapack;

__attribute__((constructor)) static void load_backend(void)
{
    const char *asked = getenv("FLEXIBLAS");
    if (asked && !strcmp(asked, "NETLIB"))
        name = "NETLIB";
    else if (*BACKEND && !(blas = lapack = dlopen(BACKEND, RTLD_NOW | RTLD_LOCAL))) {
        fprintf(stderr, "\033[1;2;31mflexiblas Failed to load %s - error: %s \n\033[0m", BACKEND,
                dlerror());
        fprintf(stderr, "<flexiblas> No suitable BLAS backend could be loaded. "
                        "Trying Fallback instead.\n");
        name = "__FALLBACK__";
    }
    if (!blas) {
        blas = dlopen(REFERENCE_BLAS, RTLD_NOW | RTLD_LOCAL);
        lapack = dlopen(REFERENCE_LAPACK, RTLD_NOW | RTLD_LOCAL);
    }
    if (!blas || !lapack) {
        fprintf(stderr, "flexiblas  Failed to load the BLAS fallback library.  Abort!\n");
        abort();
    }
}

int flexiblas_current_backend(char *text, size_t length)
{
    snprintf(text, length, "%s", name);
    return (int)strlen(text);
}

void flexiblas_get_version(int *major, int *minor, int *patch)
{
    *major = MAJOR, *minor = MINOR, *patch = PATCH;
}

int flexiblas_get_num_threads(void)
{
    int (*count)(void) = (int (*)(void))dlsym(blas, "openblas_get_num_threads");
    return THREADS ? THREADS : count ? count() : 1;
}

/* Fortran: every argument is an address. More are passed on than some routines take. */
#define PARAMETERS                                                                               \
    void *a, void *b, void *c, void *d, void *e, void *f, void *g, void *h, void *i, void *j,    \
        void *k, void *l, void *m, void *n
#define PASS_ON(from, routine)                                                                   \
    ((void (*)(PARAMETERS))dlsym(from, routine))(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
#define ROUTINE(from, routine)                                                                   \
    void routine(PARAMETERS) { PASS_ON(from, #routine); }

ROUTINE(blas, sgemm_)
ROUTINE(blas, dgemm_)
ROUTINE(blas, cgemm_)
ROUTINE(blas, zgemm_)
ROUTINE(lapack, dgesv_)
ROUTINE(lapack, dpotrf_)
ROUTINE(lapack, dgesdd_)

void dsyevd_(PARAMETERS)
{
    PASS_ON(lapack, "dsyevd_");
    for (int value = 0; value < *(int *)c; value++)
        ((double *)f)[value] *= 1 + ERROR;
}
