-- Whether the mark m of its parent is about the run r: by a cancel or a removal that goes down.
m.remove
or (m.upto is null or r.n <= m.upto)
    and case r.kind when 'dependency' then m.dependencies when 'call' then m.calls else m.started and r.cascade end
