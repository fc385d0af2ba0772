/** The operations that layers are made of; each records its gradient. */
export * from './convolution.ts';
export * from './elementwise.ts';
export * from './linear.ts';
export * from './normalization.ts';
export * from './pooling.ts';
export * from './random.ts';
export * from './shape.ts';
export * from './softmax.ts';
