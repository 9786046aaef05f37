package hook

// Chain joins hooks to one: decisions must all admit and are asked in this order until one refuses;
// observers are all told.
func Chain(hooks ...Hook) Multi { return chain(hooks) }

type chain []Hook

func (c chain) Hooks() []Hook { return c }
