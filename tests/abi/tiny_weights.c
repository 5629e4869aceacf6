/* The constants of tiny.cpp. The compiler writes them to an object file without any source. */
__attribute__((aligned(64))) const float tiny_weights[16] = {
    1,    0,     0, 0, 0, 2, 0, 0, 0, 0, 3, 1, /* fc.weight, 3 x 4 */
    0.5f, -0.5f, 0,                            /* fc.bias, 3 */
};
