/* For a compiler without libFuzzer: runs the files that are named, in all settings, which the first byte chooses. */
#ifdef WITH_MAIN
#include <stdio.h>

int main(int count, char **names) {
    for (int n = 1; n < count; n++) {
        FILE *file = fopen(names[n], "rb");
        if (!file || fseek(file, 0, SEEK_END)) return perror(names[n]), 1;
        long size = ftell(file);
        uint8_t *data = (uint8_t *)malloc((size_t)size + 1);
        rewind(file);
        if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) return perror(names[n]), 1;
        fclose(file);
        int huge = size > INT32_MAX; /* takes its time: in one setting only */
        for (int mode = huge ? data[0] : 0; mode < (huge ? data[0] + 1 : 8); mode++) {
            data[0] = (uint8_t)mode;
            LLVMFuzzerTestOneInput(data, (size_t)size);
        }
        free(data);
    }
    return 0;
}
#endif
