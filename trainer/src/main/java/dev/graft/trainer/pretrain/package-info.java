/** Pretraining: new models, and all weights on plain text. */
package dev.graft.trainer.pretrain;
