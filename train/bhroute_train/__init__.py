"""Training of elastic mixture-of-experts models: corpus, tokenizer, pretrain, elastic, evaluate, export."""
