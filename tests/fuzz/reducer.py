"""Makes a failing program smaller: deletes statements, puts the bodies of compound ones in their places, and parts of
expressions in the places of the whole, while it still fails."""

import ast

BATCH = 24  # candidates that are tried at once: one library for all


def reduce(source, fail, max_batches=60):
    """The smallest source found that fails. fail(sources) tells for each whether it does."""
    source = ast.unparse(ast.parse(source))
    skip = 0
    for _ in range(max_batches):
        candidates = sorted(set(changes(source)), key=lambda text: (len(text), text))[skip : skip + BATCH]
        if not candidates:
            break
        failing = [candidate for candidate, failed in zip(candidates, fail(candidates)) if failed]
        if failing:
            source = failing[0]
            skip = max(0, skip - BATCH)  # what was deleted may have kept others from going
        else:
            skip += BATCH
    return source


def changes(source):
    """All programs that are one step smaller."""
    tree = ast.parse(source)
    for block in blocks(tree):
        for size in {len(block) // 2, 4, 2, 1}:
            for begin in range(0, len(block) - size + 1 if size > 0 else 0):
                yield from replaced(tree, block, begin, size, [] if len(block) > size else [ast.Pass()])
        for index, statement in enumerate(block):
            if isinstance(statement, (ast.If, ast.For, ast.While, ast.With)):
                for inner in (statement.body, getattr(statement, "orelse", [])):
                    if inner:
                        yield from replaced(tree, block, index, 1, inner)
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if field in ("value", "test", "left", "right", "operand", "body", "orelse", "iter") and isinstance(value, ast.expr):
                for part in parts(value):
                    setattr(node, field, part)
                    yield ast.unparse(tree)
                setattr(node, field, value)
        elements = getattr(node, "elts", None) or getattr(node, "values", None) if not isinstance(node, ast.JoinedStr) else None
        if elements and len(elements) > 1:
            for index in range(len(elements)):
                element = elements.pop(index)
                yield ast.unparse(tree)
                elements.insert(index, element)


def blocks(tree):
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                yield block


def replaced(tree, block, begin, size, replacement):
    kept = block[begin : begin + size]
    block[begin : begin + size] = replacement
    text = ast.unparse(tree)
    block[begin : begin + len(replacement)] = kept
    if not kept or not isinstance(kept[0], ast.Pass):
        yield text


def parts(value):
    if isinstance(value, ast.Constant):
        return
    for child in ast.iter_child_nodes(value):
        if isinstance(child, ast.expr):
            yield child
