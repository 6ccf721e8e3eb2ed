// onnxruntime.js MODEL CHANNELS HEIGHT WIDTH THREADS REPS: milliseconds of a forward walk (median), one image.
const ort = require('onnxruntime-node');

async function main() {
    const [channels, height, width, threads, reps] = process.argv.slice(3).map(Number);
    const session = await ort.InferenceSession.create(process.argv[2],
        {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'});
    const x = new ort.Tensor('float32', Float32Array.from({length: channels * height * width}, Math.random), [1, channels, height, width]);
    const times = [];
    for (let i = 0; i < reps + 3; i++) {
        const start = process.hrtime.bigint();
        await session.run({x});
        times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    console.log(times.slice(3).sort((a, b) => a - b)[reps >> 1].toFixed(3));
}
main();
