/* PortAudio from C: plays silence by a callback until it is killed. */
#include <portaudio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define CHANNELS 2

static int render(const void *input, void *output, unsigned long frames,
                  const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags, void *data)
{
    (void)input, (void)time, (void)data;
    if (flags & paOutputUnderflow)
        fprintf(stderr, "underrun\n");
    memset(output, 0, frames * CHANNELS * sizeof(short));
    return paContinue;
}

static PaDeviceIndex find_device(const char *name)
{
    for (PaDeviceIndex device = 0; device < Pa_GetDeviceCount(); device++)
        if (strcmp(Pa_GetDeviceInfo(device)->name, name) == 0)
            return device;
    return paNoDevice;
}

static void check(PaError error)
{
    if (error == paNoError)
        return;
    fprintf(stderr, "%s\n", Pa_GetErrorText(error));
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    unsigned long period_frames = strtoul(argv[2], NULL, 10);
    check(Pa_Initialize());
    PaStreamParameters parameters = {
        .device = find_device(argv[1]),
        .channelCount = CHANNELS,
        .sampleFormat = paInt16,
        .suggestedLatency = (double)period_frames * strtoul(argv[3], NULL, 10) / RATE,
    };
    if (parameters.device == paNoDevice) {
        fprintf(stderr, "PortAudio does not list the device\n");
        return 1;
    }
    PaStream *stream;
    check(Pa_OpenStream(&stream, NULL, &parameters, RATE, period_frames, paClipOff, render, NULL));
    check(Pa_StartStream(stream));
    while (Pa_IsStreamActive(stream) == 1)
        Pa_Sleep(1000000);
    return 1;
}
