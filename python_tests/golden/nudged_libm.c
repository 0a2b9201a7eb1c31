/* A libm whose results are a unit in the last place off, wherever they are not whole numbers. Entries that change with it are
 * of kind "libm" or "numpy"; none of kind "bits" may, whether NUDGE is INFINITY or -INFINITY:
 *
 *     gcc -fno-builtin -shared -fPIC -DNUDGE=INFINITY -o nudged.so python_tests/golden/nudged_libm.c -ldl -lm
 *     LD_PRELOAD=./nudged.so python python_tests/golden/regenerate.py --check --kinds bits
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>

static double nudged(double y) { return isfinite(y) && y != rint(y) ? nextafter(y, NUDGE) : y; }

#define ONE(name) \
    double name(double x) { \
        static double (*real)(double); \
        if (!real) real = (double (*)(double))dlsym(RTLD_NEXT, #name); \
        return nudged(real(x)); \
    }

ONE(exp) ONE(exp2) ONE(expm1) ONE(log) ONE(log2) ONE(log10) ONE(log1p) ONE(sin) ONE(cos) ONE(tan) ONE(tanh) ONE(cbrt)

void sincos(double x, double *s, double *c) { *s = sin(x); *c = cos(x); }
