/** Chat templates: the model's own, a file's, or one that comes with Graft. */
package dev.graft.trainer.template;
