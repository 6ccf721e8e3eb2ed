// onnxruntime.js MODEL THREADS REPS: milliseconds of a forward walk (median), one image of 416 x 416.
const ort = require('onnxruntime-node');

async function main() {
    const [model, threads, reps] = [process.argv[2], +process.argv[3], +process.argv[4]];
    const session = await ort.InferenceSession.create(model, {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'});
    const x = new ort.Tensor('float32', Float32Array.from({length: 3 * 416 * 416}, Math.random), [1, 3, 416, 416]);
    const times = [];
    for (let i = 0; i < reps + 3; i++) {
        const start = process.hrtime.bigint();
        await session.run({x});
        times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    console.log(times.slice(3).sort((a, b) => a - b)[reps >> 1].toFixed(3));
}
main();
