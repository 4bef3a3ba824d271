// placeholder until the door is built
export {}
